package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/statistics"
	"github.com/countersign-mfa/countersign/internal/store"
)

// note adds the counts of the commit to its shortest write, whose cost that raises least. It adds
// no write, so checking a code still writes one record. A commit that only deletes has no counts.
func (t *Tx) note(writes []store.Write) {
	var counts statistics.Counts
	for _, k := range t.Order {
		if t.Dirty[k] {
			continue
		}
		switch e := t.Seen[k].(type) {
		case account.Audited:
			if tr := *e.TrailOf(); tr != nil {
				for _, entry := range tr.Added {
					counts.Entry(entry)
				}
			}
		case *account.SMSRecord:
			if e.StoredVersion() == 0 {
				counts.Message(e)
			}
		}
	}
	var shortest *store.Write
	for i := range writes {
		if w := &writes[i]; !w.Delete && (shortest == nil || len(w.Data) < len(shortest.Data)) {
			shortest = w
		}
	}
	if shortest != nil {
		shortest.Note = counts.Note(t.Now)
	}
}
