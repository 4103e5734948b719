package api

import "context"

// SettingName is the name on the wire of a setting by the name under which it is stored, or "".
func SettingName(stored string) string { return settingNames[stored] }

// OperationOf is the name of the operation that a request is for.
func OperationOf(ctx context.Context) string {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.operation
	}
	return ""
}
