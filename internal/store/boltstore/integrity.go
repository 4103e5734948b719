package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt's file format (its internal/common): pages begin with id, flags, count and overflow. Pages
// 0 and 1 describe the tree, and the newer one counts. Numbers are in the machine's byte order.
const (
	pageHeader    = 16
	elementLength = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	flagBucket = 0x01 // of an element of a leaf

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreelist  = ^uint64(0)

	// maxOverflow bounds how many pages belong together in a tree. A leaf needs more than one page
	// only for a value longer than a page, and the longest value has 384 KB.
	maxOverflow = 1024
)

// checkFile walks the tree of the file. It returns an error unless every page lies within the file,
// is used once and is not listed as free. bbolt takes that for granted.
//
// bbolt's own Tx.Check does not replace it. On the 28 kinds of damage in TestCheckFindsDamage,
// version 1.5.0 ends the process three times and never returns once. It misses two: a key beyond
// its page and a file that is cut off. The process cannot recover, because the faults happen in a
// goroutine of Check's own. An operator must get an error that names the file instead.
func checkFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // the path is the operator's choice
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil {
		err = check(file, info.Size())
	}
	return errors.Join(err, file.Close())
}

func check(file io.ReaderAt, size int64) error {
	m, err := newestMeta(file, size)
	if err != nil {
		return err
	}
	c := &checker{file: file, pages: m.pages, used: make([]uint64, m.pages/64+1)}
	if m.freelist != noFreelist {
		if err := c.freelist(m.freelist); err != nil {
			return err
		}
	}
	return c.tree(m.root)
}

type meta struct{ root, freelist, pages, transaction uint64 }

func newestMeta(file io.ReaderAt, size int64) (newest meta, err error) {
	found := false
	for page := range int64(2) {
		buf := make([]byte, pageHeader+64)
		if _, err := file.ReadAt(buf, page*pageSize); err != nil && !errors.Is(err, io.EOF) {
			return meta{}, err
		}
		if m, ok := parseMeta(buf[pageHeader:]); ok && (!found || m.transaction > newest.transaction) {
			newest, found = m, true
		}
	}
	switch {
	case !found:
		return meta{}, damaged("it does not begin as a store does")
	case newest.pages > uint64(size/pageSize): //nolint:gosec // sizes are not negative
		return meta{}, damaged("%d pages of %d are missing", newest.pages-uint64(size/pageSize), newest.pages) //nolint:gosec // see above
	}
	return newest, nil
}

func parseMeta(b []byte) (m meta, ok bool) {
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56]) // never fails
	ok = binary.NativeEndian.Uint32(b) == metaMagic &&
		binary.NativeEndian.Uint32(b[4:]) == metaVersion &&
		binary.NativeEndian.Uint32(b[8:]) == pageSize &&
		binary.NativeEndian.Uint64(b[56:]) == sum.Sum64()
	return meta{
		root:        binary.NativeEndian.Uint64(b[16:]),
		freelist:    binary.NativeEndian.Uint64(b[32:]),
		pages:       binary.NativeEndian.Uint64(b[40:]),
		transaction: binary.NativeEndian.Uint64(b[48:]),
	}, ok
}

// A checker remembers the pages that it met, one bit each.
type checker struct {
	file  io.ReaderAt
	pages uint64
	used  []uint64
	buf   []byte
	// todo are the pages that were met but not yet read.
	todo []uint64
}

// A page is valid until the next page is loaded.
type page struct {
	id    uint64
	flags uint16
	count int
	bytes []byte // with the header and all overflow pages
}

// load reads a page with its overflow pages and marks them as used.
func (c *checker) load(id uint64) (page, error) {
	if id < 2 || id >= c.pages {
		return page{}, damaged("page %d of %d is referred to", id, c.pages)
	}
	if c.buf == nil {
		c.buf = make([]byte, pageSize)
	}
	if err := c.read(c.buf[:pageSize], id); err != nil {
		return page{}, err
	}
	p := page{
		id:    id,
		flags: binary.NativeEndian.Uint16(c.buf[8:]),
		count: int(binary.NativeEndian.Uint16(c.buf[10:])),
	}
	n := uint64(binary.NativeEndian.Uint32(c.buf[12:])) + 1
	if self := binary.NativeEndian.Uint64(c.buf); self != id {
		return page{}, damaged("page %d says that it is page %d", id, self)
	}
	if n > c.pages-id || (n > maxOverflow && p.flags != flagFreelist) {
		return page{}, damaged("page %d says that it has %d pages", id, n)
	}
	for i := id; i < id+n; i++ {
		if err := c.use(i); err != nil {
			return page{}, err
		}
	}
	if missing := int(n*pageSize) - len(c.buf); missing > 0 { //nolint:gosec // within the file
		c.buf = append(c.buf, make([]byte, missing)...)
	}
	p.bytes = c.buf[:n*pageSize]
	if n == 1 {
		return p, nil
	}
	return p, c.read(p.bytes, id)
}

func (c *checker) read(b []byte, id uint64) error {
	if _, err := c.file.ReadAt(b, int64(id*pageSize)); err != nil { //nolint:gosec // within the file
		return fmt.Errorf("read page %d: %w", id, err)
	}
	return nil
}

func (c *checker) use(id uint64) error {
	bit := uint64(1) << (id % 64)
	if c.used[id/64]&bit != 0 {
		return damaged("page %d is used twice", id)
	}
	c.used[id/64] |= bit
	return nil
}

// freelist marks the free pages, so that meeting one in the tree is an error.
func (c *checker) freelist(id uint64) error {
	p, err := c.load(id)
	if err != nil {
		return err
	}
	if p.flags != flagFreelist {
		return damaged("page %d has the flags %#x, not those of a list of free pages", id, p.flags)
	}
	ids, count := p.bytes[pageHeader:], uint64(p.count) //nolint:gosec // 16 bits
	if count == 0xFFFF {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return damaged("the list of free pages has %d of them", count)
	}
	for i := range count {
		free := binary.NativeEndian.Uint64(ids[8*i:])
		if free < 2 || free >= c.pages {
			return damaged("page %d of %d is free", free, c.pages)
		}
		if err := c.use(free); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) tree(root uint64) error {
	c.todo = append(c.todo, root)
	for len(c.todo) > 0 {
		id := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		p, err := c.load(id)
		if err != nil {
			return err
		}
		switch p.flags {
		case flagBranch:
			err = c.branch(p)
		case flagLeaf:
			err = c.leaf(p, true)
		default:
			err = damaged("page %d has the flags %#x", id, p.flags)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// branch checks a branch page, whose elements are pos, ksize and page.
func (c *checker) branch(p page) error {
	if p.count == 0 {
		return damaged("page %d leads nowhere", p.id)
	}
	var last []byte
	for i := range p.count {
		e := pageHeader + i*elementLength
		key, _, err := p.slice(e, 0, 4, -1)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return damaged("page %d is out of order", p.id)
		}
		last = key
		c.todo = append(c.todo, binary.NativeEndian.Uint64(p.bytes[e+8:]))
	}
	return nil
}

// leaf checks a leaf page, whose elements are flags, pos, ksize and vsize. A small bucket is an
// element that contains a leaf without buckets.
func (c *checker) leaf(p page, buckets bool) error {
	var last []byte
	for i := range p.count {
		e := pageHeader + i*elementLength
		key, value, err := p.slice(e, 4, 8, 12)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return damaged("page %d is out of order", p.id)
		}
		last = key
		if binary.NativeEndian.Uint32(p.bytes[e:])&flagBucket == 0 {
			continue
		}
		if !buckets || len(value) < 16 {
			return damaged("page %d has a broken bucket", p.id)
		}
		if err := c.bucket(p.id, value); err != nil {
			return err
		}
	}
	return nil
}

// bucket checks a leaf's element that is a bucket: its root, its sequence and, for a bucket without
// a page of its own, the leaf inside.
func (c *checker) bucket(id uint64, value []byte) error {
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		c.todo = append(c.todo, root)
		return nil
	}
	inline := page{id: id, bytes: value[16:]}
	if len(inline.bytes) < pageHeader || binary.NativeEndian.Uint16(inline.bytes[8:]) != flagLeaf {
		return damaged("page %d has a broken bucket", id)
	}
	inline.count = int(binary.NativeEndian.Uint16(inline.bytes[10:]))
	return c.leaf(inline, false)
}

// slice returns the key and value of the element at offset e. pos, ksize and vsize are the offsets
// of the fields in the element; vsize is negative for an element without a value. The key's
// position counts from the element.
func (p page) slice(e, pos, ksize, vsize int) (key, value []byte, err error) {
	if e+elementLength > len(p.bytes) {
		return nil, nil, damaged("page %d has %d elements", p.id, p.count)
	}
	field := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(p.bytes[e+at:])) }
	from := uint64(e) + field(pos) //nolint:gosec // not negative
	to := from + field(ksize)
	end := to
	if vsize >= 0 {
		end += field(vsize)
	}
	if end > uint64(len(p.bytes)) {
		return nil, nil, damaged("an element of page %d reaches beyond it", p.id)
	}
	return p.bytes[from:to], p.bytes[to:end], nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
