package strictdynamo

import (
	_ "embed"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of a request, with the pages that state them.
const (
	// "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary length
	// (UTF-8 length) and attribute value lengths".
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
	maxItem = 400 << 10
	// "The maximum length of a partition key value is 2048 bytes", "of a sort key value is 1024
	// bytes". The limits hold for the keys of indexes too. Constraints.html
	maxPartitionKey = 2048
	maxSortKey      = 1024
	// "The maximum length of any expression string is 4 KB." Constraints.html
	maxExpression = 4 << 10
	// "The maximum length of any single expression attribute name or expression attribute value, such
	// as #name or :val, is 255 bytes." Constraints.html
	maxPlaceholder = 255
	// "The maximum length of all substitution variables in an expression is 2 MB." Constraints.html
	maxPlaceholders = 2 << 20
	// "A transaction cannot contain more than 100 unique items", "more than 4 MB of data".
	// Constraints.html
	maxParts       = 100
	maxTransaction = 4 << 20
	// ClientRequestToken: "Length Constraints: Minimum length of 1. Maximum length of 36."
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
	maxToken = 36
	// "A single operation can retrieve up to 16 MB of data, which can contain as many as 100 items."
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
	maxBatch     = 100
	maxBatchSize = 16 << 20
	// "A single Query operation can retrieve a maximum of 1 MB of data."
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
	maxPage = 1 << 20
)

// check returns why DynamoDB would refuse a request whatever the table holds, or nil.
func check(r *request, s schemas) *refusal {
	parts, kinds := r.writes()
	for i, w := range parts {
		if f := checkWrite(w, kinds[i], s); f != nil {
			return f
		}
	}
	switch r.action {
	case "TransactWriteItems":
		return checkTransaction(r, parts, s)
	case "BatchGetItem":
		return checkBatch(r, s)
	case "GetItem":
		return checkKey(r.TableName, r.Key, s)
	case "Query", "Scan":
		// "Strongly consistent reads are not supported on global secondary indexes." API_Query.html
		if r.IndexName != "" && r.ConsistentRead {
			return invalid("Consistent reads are not supported on global secondary indexes")
		}
		return r.check()
	}
	return nil
}

func checkWrite(w write, kind string, s schemas) *refusal {
	if f := w.check(); f != nil {
		return f
	}
	if kind != "PutItem" && kind != "Put" {
		return checkKey(w.TableName, w.Key, s)
	}
	if n := w.Item.size(); n > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	for _, k := range s[w.TableName].keys {
		v, ok := w.Item[k.name]
		if !ok && k.index == "" {
			return invalid("One of the required keys was not given a value")
		}
		if f := k.check(v); ok && f != nil {
			return f
		}
	}
	return nil
}

// checkKey checks that a key has exactly the table's key attributes.
func checkKey(table string, key attributes, s schemas) *refusal {
	n := 0
	for _, k := range s[table].keys {
		if k.index != "" {
			continue
		}
		if f := k.check(key[k.name]); f != nil {
			return f
		}
		n++
	}
	if n != len(key) && n > 0 {
		return invalid("The provided key element does not match the schema")
	}
	return nil
}

// check checks the value of a key attribute, of the table or of an index. An item whose value is of
// another type, empty or too long is refused, also if only an index has it as a key.
// "Attribute values of String and Binary type must have a length greater than zero if the attribute
// is used as a key attribute for a table or index."
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
func (k keyAttribute) check(v value) *refusal {
	kind, text := v.text()
	most := maxPartitionKey
	if k.sorts {
		most = maxSortKey
	}
	switch {
	case kind != k.kind:
		return invalid("Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, kind)
	case text == "":
		return invalid("The AttributeValue for a key attribute cannot contain an empty value. Key: %s", k.name)
	case kind != "N" && len(text) > most:
		return invalid("Size of key %s has exceeded the maximum size limit of %d bytes", k.name, most)
	}
	return nil
}

func checkTransaction(r *request, parts []write, s schemas) *refusal {
	if len(parts) == 0 || len(parts) > maxParts {
		return invalid("Member must have length less than or equal to 100")
	}
	if len(r.ClientRequestToken) > maxToken {
		return invalid("Member must have length less than or equal to 36")
	}
	total, seen := 0, map[string]bool{}
	for _, w := range parts {
		total += w.Item.size() + w.Key.size() + w.ExpressionAttributeValues.size()
		// "There cannot be two actions on the same item." API_TransactWriteItems.html
		if at := s.itemOf(w); seen[at] {
			return invalid("Transaction request cannot include multiple operations on one item")
		} else {
			seen[at] = true
		}
	}
	if total > maxTransaction {
		return invalid("Collection size of the transaction exceeds the limit of 4 MB")
	}
	return nil
}

func checkBatch(r *request, s schemas) *refusal {
	n, seen := 0, map[string]bool{}
	for table, of := range r.RequestItems {
		for _, key := range of.Keys {
			if f := checkKey(table, key, s); f != nil {
				return f
			}
			// "Your request must not contain duplicate keys": API_BatchGetItem.html lists the error.
			if at := s.itemOf(write{TableName: table, Key: key}); seen[at] {
				return invalid("Provided list of item keys contains duplicates")
			} else {
				seen[at] = true
			}
			n++
		}
	}
	// "If you request more than 100 items, BatchGetItem returns a ValidationException".
	if n == 0 || n > maxBatch {
		return invalid("Too many items requested for the BatchGetItem call")
	}
	return nil
}

var (
	// names finds placeholders, and words that stand for an attribute, a function or an operator.
	names    = regexp.MustCompile(`[#:]?[A-Za-z_][A-Za-z0-9_]*|[#:][A-Za-z0-9_]+`)
	keywords = map[string]bool{"AND": true, "OR": true, "NOT": true, "IN": true, "BETWEEN": true, "SET": true, "REMOVE": true, "ADD": true, "DELETE": true, "SIZE": true}
)

// reservedWords are the words that no expression may use as an attribute's name.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
//
//go:embed reserved.txt
var reservedWords string

var reserved = func() map[string]bool {
	all := map[string]bool{}
	for _, word := range strings.Fields(reservedWords) {
		all[strings.ToUpper(word)] = true
	}
	return all
}()

// check checks expressions: their length, that every placeholder is defined and used, and that no
// attribute is named by a reserved word.
func (e expressions) check() *refusal {
	used := map[string]bool{}
	for _, text := range []string{e.ConditionExpression, e.UpdateExpression, e.KeyConditionExpression, e.FilterExpression, e.ProjectionExpression} {
		if len(text) > maxExpression {
			return invalid("Expression size has exceeded the maximum allowed size")
		}
		for _, word := range names.FindAllString(text, -1) {
			used[word] = true
			if upper := strings.ToUpper(word); reserved[upper] && !keywords[upper] {
				return invalid("Attribute name is a reserved keyword; reserved keyword: %s", word)
			}
		}
	}
	size := 0
	defined := slices.Collect(maps.Keys(e.ExpressionAttributeNames))
	defined = slices.AppendSeq(defined, maps.Keys(e.ExpressionAttributeValues))
	for _, name := range defined {
		if len(name) > maxPlaceholder {
			return invalid("Expression attribute name or value is too long: %s", name)
		}
		// "Value provided in ExpressionAttributeValues unused in expressions" is the service's text.
		if !used[name] {
			return invalid("Value provided in ExpressionAttributeNames or ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
		size += len(name) + len(e.ExpressionAttributeNames[name])
	}
	if size+e.ExpressionAttributeValues.size() > maxPlaceholders {
		return invalid("Substitution variables exceed 2 MB")
	}
	for name := range used {
		if (name[0] == '#' || name[0] == ':') && !slices.Contains(defined, name) {
			return invalid("An expression attribute name or value used in expression is not defined: %s", name)
		}
	}
	return nil
}

// keyAttribute is an attribute that is a key of a table or of one of its indexes.
type keyAttribute struct {
	name, kind string
	index      string // "" for the table's own key
	sorts      bool
}

// schema is what the rules need to know of a table.
type schema struct{ keys []keyAttribute }

// schemas are the tables by their names.
type schemas map[string]schema

// itemOf names an item by its table and its key.
func (s schemas) itemOf(w write) string {
	from := w.Key
	if from == nil {
		from = w.Item
	}
	parts := []string{w.TableName}
	for _, k := range s[w.TableName].keys {
		if k.index == "" {
			_, text := from[k.name].text()
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "\x00")
}

// parseSchema reads a CreateTable request or the description of a table.
func parseSchema(text []byte) (table string, s schema, err error) {
	type element struct{ AttributeName, KeyType string }
	var in struct {
		TableName              string
		AttributeDefinitions   []struct{ AttributeName, AttributeType string }
		KeySchema              []element
		GlobalSecondaryIndexes []struct {
			IndexName string
			KeySchema []element
		}
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return "", s, err
	}
	kinds := map[string]string{}
	for _, d := range in.AttributeDefinitions {
		kinds[d.AttributeName] = d.AttributeType
	}
	add := func(index string, of []element) {
		for _, e := range of {
			s.keys = append(s.keys, keyAttribute{e.AttributeName, kinds[e.AttributeName], index, e.KeyType == "RANGE"})
		}
	}
	add("", in.KeySchema)
	for _, index := range in.GlobalSecondaryIndexes {
		add(index.IndexName, index.KeySchema)
	}
	return in.TableName, s, nil
}
