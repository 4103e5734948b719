package strictdynamo

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// expiring is an item with a time to live.
type expiring struct {
	write // its table and key
	at    int64
}

// oldest: an item whose time to live lies more than five years back is not deleted. Developer
// Guide, "Using time to live (TTL) in DynamoDB".
const oldest = 5 * 365 * 24 * time.Hour

// changed notes a stored write: the item's time to live, and that indexes have to follow.
func (s *Server) changed(w write, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keyOf(w)
	if s.Behind {
		s.late[w.TableName] = append(s.late[w.TableName], key)
	}
	if s.TimeToLive == "" {
		return
	}
	at, id := s.endOf(w), s.tables.itemOf(w)
	switch {
	case at > 0:
		s.ends[id] = expiring{write{TableName: w.TableName, Key: key}, at}
	case kind != "Update" && kind != "UpdateItem":
		delete(s.ends, id)
	}
}

// keyOf returns the key of the item that a write changes.
func (s *Server) keyOf(w write) attributes {
	if w.Key != nil {
		return w.Key
	}
	key := attributes{}
	for _, k := range s.tables[w.TableName].keys {
		if k.index == "" {
			key[k.name] = w.Item[k.name]
		}
	}
	return key
}

var assigned = regexp.MustCompile(`([#A-Za-z_0-9]+)\s*=\s*(:[A-Za-z_0-9]+)`)

// endOf returns the time to live that a write sets, in seconds since 1970, or 0. "Items with an
// attribute that is not a Number type are ignored by TTL" (the page above).
func (s *Server) endOf(w write) int64 {
	v := w.Item[s.TimeToLive]
	for _, m := range assigned.FindAllStringSubmatch(w.UpdateExpression, -1) {
		name := m[1]
		if alias, ok := w.ExpressionAttributeNames[name]; ok {
			name = alias
		}
		if name == s.TimeToLive {
			v = w.ExpressionAttributeValues[m[2]]
		}
	}
	kind, text := v.text()
	n, err := strconv.ParseInt(text, 10, 64)
	if kind != "N" || err != nil {
		return 0
	}
	return n
}

// expireSome deletes an expired item before one request in eight: "DynamoDB automatically deletes
// expired items within a few days of their expiration time", so at any moment after it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func (s *Server) expireSome(ctx context.Context) {
	if s.TimeToLive == "" || s.chance(8) != 0 {
		return
	}
	s.mu.Lock()
	var due []string
	for id, e := range s.ends {
		if s.expired(e.at) && s.held[id] == 0 && s.touched[id] == 0 {
			due = append(due, id)
			break
		}
	}
	s.mu.Unlock()
	for _, id := range due {
		_ = s.expire(ctx, id)
	}
}

func (s *Server) expired(at int64) bool {
	age := s.Now().Sub(time.Unix(at, 0))
	return age > 0 && age < oldest
}

// ExpireAll deletes every item whose time to live has come.
func (s *Server) ExpireAll(ctx context.Context) error {
	s.mu.Lock()
	var due []string
	for id, e := range s.ends {
		if s.expired(e.at) {
			due = append(due, id)
		}
	}
	s.mu.Unlock()
	for _, id := range due {
		if err := s.expire(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// expire deletes one item, unless it was changed meanwhile.
func (s *Server) expire(ctx context.Context, id string) error {
	s.mu.Lock()
	e, ok := s.ends[id]
	if !ok || s.held[id] > 0 || s.touched[id] > 0 || !s.expired(e.at) {
		s.mu.Unlock()
		return nil
	}
	s.touched[id]++
	s.mu.Unlock()
	defer s.release(s.touched, id)
	in := map[string]any{
		"TableName": e.TableName, "Key": e.Key, "ConditionExpression": "#t = :t", "ExpressionAttributeNames": map[string]string{"#t": s.TimeToLive},
		"ExpressionAttributeValues": map[string]any{":t": map[string]string{"N": strconv.FormatInt(e.at, 10)}},
	}
	if err := s.ask(ctx, own, "DeleteItem", in, nil); err != nil {
		return err
	}
	s.changed(e.write, "DeleteItem")
	s.count(func(c *Counts) *int { return &c.Expired })
	return nil
}

// own has the headers of requests that the stand-in itself sends to the process.
var own = &request{header: http.Header{
	"Content-Type":  {"application/x-amz-json-1.0"},
	"Authorization": {"AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"},
}}

// mirror is the name of the table whose indexes answer for those of another one that are behind.
func mirror(table string) string { return table + "-behind" }

// readBehind answers a query of an index with what the index knew at the read before: "Global
// secondary indexes support eventually consistent reads only".
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
func (s *Server) readBehind(ctx context.Context, r *request) (answer, error) {
	s.behind.Lock()
	defer s.behind.Unlock()
	var in map[string]any
	if err := json.Unmarshal(r.body, &in); err != nil {
		return answer{}, err
	}
	in["TableName"] = mirror(r.TableName)
	body, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	a, err := s.forward(ctx, r, body)
	if err != nil || s.Chance != nil && s.chance(64) > 0 {
		return a, err
	}
	return a, s.follow(ctx, r.TableName)
}

// Follow lets the indexes of all tables follow all writes.
func (s *Server) Follow(ctx context.Context) error {
	s.behind.Lock()
	defer s.behind.Unlock()
	s.mu.Lock()
	var tables []string
	for table := range s.late {
		tables = append(tables, table)
	}
	s.mu.Unlock()
	for _, table := range tables {
		if err := s.follow(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) follow(ctx context.Context, table string) error {
	s.mu.Lock()
	late := s.late[table]
	delete(s.late, table)
	s.counts.Behind += len(late)
	s.mu.Unlock()
	for _, key := range late {
		var now struct{ Item attributes }
		if err := s.ask(ctx, own, "GetItem", map[string]any{"TableName": table, "Key": key, "ConsistentRead": true}, &now); err != nil {
			return err
		}
		in, action := map[string]any{"TableName": mirror(table), "Item": now.Item}, "PutItem"
		if now.Item == nil {
			in, action = map[string]any{"TableName": mirror(table), "Key": key}, "DeleteItem"
		}
		if err := s.ask(ctx, own, action, in, nil); err != nil {
			return err
		}
	}
	return nil
}
