package strictdynamo

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
)

// batch reads items. It is no snapshot: "the isolation between a TransactWriteItems operation and a
// BatchGetItem is read-committed". So two parts are read one after the other, and a transaction may
// come between. With [Config.Throttled] a part may be left unread, as UnprocessedKeys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
func (s *Server) batch(ctx context.Context, r *request) (answer, error) {
	responses, unread := map[string][]attributes{}, map[string]keysOf{}
	size := 0
	for table, of := range r.RequestItems {
		first, second := s.split(of.Keys)
		for i, keys := range [][]attributes{first, second} {
			if len(keys) == 0 {
				continue
			}
			if i == 1 && len(first) > 0 && s.happens(s.Throttled) {
				s.count(func(c *Counts) *int { return &c.Throttled })
				unread[table] = keysOf{append(unread[table].Keys, keys...), of.ConsistentRead}
				continue
			}
			for _, key := range keys {
				// "a partial result is returned if the response size limit is exceeded": 16 MB.
				// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
				if size >= maxBatchSize {
					unread[table] = keysOf{append(unread[table].Keys, key), of.ConsistentRead}
					continue
				}
				var out struct{ Item attributes }
				if err := s.ask(ctx, r, "GetItem", map[string]any{"TableName": table, "Key": key, "ConsistentRead": true}, &out); err != nil {
					return answer{}, err
				}
				if n := out.Item.size(); out.Item != nil && size+n > maxBatchSize {
					unread[table] = keysOf{append(unread[table].Keys, key), of.ConsistentRead}
					size = maxBatchSize
				} else if out.Item != nil {
					responses[table], size = append(responses[table], out.Item), size+n
				}
			}
			runtime.Gosched()
		}
	}
	body, err := json.Marshal(map[string]any{"Responses": responses, "UnprocessedKeys": unread})
	return answer{status: http.StatusOK, body: body}, err
}

// split divides keys into two parts by chance.
func (s *Server) split(keys []attributes) (first, second []attributes) {
	for _, k := range keys {
		if s.chance(2) == 0 {
			first = append(first, k)
		} else {
			second = append(second, k)
		}
	}
	return first, second
}

// page answers a Query or Scan with at most 1 MB, and says where the next page begins: "If the
// total size of scanned items exceeds the maximum dataset size limit of 1 MB, the scan completes
// and results are returned to the user. The LastEvaluatedKey value is also returned".
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
func (s *Server) page(ctx context.Context, r *request) (answer, error) {
	var a answer
	var err error
	if s.Behind && r.IndexName != "" {
		a, err = s.readBehind(ctx, r)
	} else {
		a, err = s.forward(ctx, r, r.body)
	}
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	var out map[string]json.RawMessage
	var items []attributes
	if err := json.Unmarshal(a.body, &out); err != nil {
		return a, err
	}
	if err := json.Unmarshal(out["Items"], &items); err != nil {
		return a, nil // Select=COUNT has no items
	}
	size, n := 0, 0
	for n < len(items) && (n == 0 || size+items[n].size() <= maxPage) {
		size, n = size+items[n].size(), n+1
	}
	if n == len(items) {
		return a, nil
	}
	out["Items"], _ = json.Marshal(items[:n])
	out["Count"], _ = json.Marshal(n)
	out["LastEvaluatedKey"], _ = json.Marshal(s.positionOf(r, items[n-1]))
	a.body, err = json.Marshal(out)
	return a, err
}

// positionOf returns the key attributes of an item: the table's, and those of the index that is
// read.
func (s *Server) positionOf(r *request, item attributes) attributes {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := attributes{}
	for _, k := range s.tables[r.TableName].keys {
		if k.index == "" || k.index == r.IndexName {
			at[k.name] = item[k.name]
		}
	}
	return at
}
