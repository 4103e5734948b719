package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Schema returns the request that creates the table: one string key, and two sparse indexes of
// keys, for expiring records and for sorted lists.
func Schema(table string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(attrKey), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(attrShard), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(attrExpires), AttributeType: types.ScalarAttributeTypeN},
			{AttributeName: aws.String(attrList), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(attrPosition), AttributeType: types.ScalarAttributeTypeB},
		},
		KeySchema:           []types.KeySchemaElement{{AttributeName: aws.String(attrKey), KeyType: types.KeyTypeHash}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index(ExpiryIndex, attrShard, attrExpires), index(ListIndex, attrList, attrPosition),
		},
	}
}

// index returns an index of keys by two attributes.
func index(name, partition, sort string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{
		IndexName: &name, Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange},
		},
	}
}
