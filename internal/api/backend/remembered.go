package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
)

// UserRememberedDevicesList is GET /v1/users/{user_id}/remembered_devices.
func UserRememberedDevicesList() operation.Operation {
	return row("user-remembered-devices-list", "GET /v1/users/{user_id}/remembered_devices",
		"The devices on which a user signs in without a second factor", 0, listDevices, operation.NotFound)
}

// UserRememberedDeviceDelete is DELETE /v1/users/{user_id}/remembered_devices/{device_id}.
func UserRememberedDeviceDelete() operation.Operation {
	return row("user-remembered-device-delete", "DELETE /v1/users/{user_id}/remembered_devices/{device_id}",
		"Forget a remembered device of a user", operation.Writes, forgetDevice, operation.NotFound)
}

// RememberedDevices are all remembered devices of a user, newest first.
type RememberedDevices struct {
	Data       []wire.RememberedDevice `json:"data"`
	TotalCount int                     `json:"total_count"`
}

func listDevices(c *operation.Call, in userInput) (RememberedDevices, error) {
	found, err := c.Service.Admin.Devices(c, in.ID)
	all := wire.NewRememberedDevices(found)
	return RememberedDevices{Data: all, TotalCount: len(all)}, err
}

type deviceInput struct {
	UserID string `path:"user_id"`
	ID     string `path:"device_id"`
}

func forgetDevice(c *operation.Call, in deviceInput) (wire.DeletedObject, error) {
	_, err := c.Service.Admin.ForgetDevice(c, in.UserID, in.ID)
	return wire.ForgottenDevice(in.ID), err
}
