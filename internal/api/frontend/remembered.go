package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
)

// MeRememberedDevicesList is GET /v1/me/remembered_devices.
func MeRememberedDevicesList() operation.Operation {
	return row("me-remembered-devices-list", "GET /v1/me/remembered_devices",
		"The devices on which the user signs in without a second factor", 0, listOwnDevices, notPending)
}

// MeRememberedDeviceDelete is DELETE /v1/me/remembered_devices/{device_id}.
func MeRememberedDeviceDelete() operation.Operation {
	return row("me-remembered-device-delete", "DELETE /v1/me/remembered_devices/{device_id}",
		"Forget a remembered device", operation.Writes, forgetOwnDevice, notPending, operation.NotFound)
}

// MeRememberedDevicesDelete is DELETE /v1/me/remembered_devices.
func MeRememberedDevicesDelete() operation.Operation {
	return row("me-remembered-devices-delete", "DELETE /v1/me/remembered_devices",
		"Forget all remembered devices", operation.Writes, forgetOwnDevices, notPending)
}

// OwnRememberedDevice is a remembered device as its user sees it.
type OwnRememberedDevice struct {
	wire.RememberedDevice
	Current bool `json:"current"` // the calling device
}

func listOwnDevices(c *operation.Call, _ operation.Empty) ([]OwnRememberedDevice, error) {
	out := []OwnRememberedDevice{}
	found, err := c.Service.Sessions.OwnDevices(c, c.Caller)
	if err != nil {
		return out, err
	}
	for _, d := range found.All {
		out = append(out, OwnRememberedDevice{wire.NewRememberedDevice(d), d.Current})
	}
	return out, nil
}

type deviceInput struct {
	ID string `path:"device_id"`
}

func forgetOwnDevice(c *operation.Call, in deviceInput) (Wrapped[wire.DeletedObject], error) {
	r, err := c.Service.Sessions.ForgetOwn(c, c.Caller, in.ID)
	if err != nil {
		return Wrapped[wire.DeletedObject]{}, err
	}
	return wrap(c, wire.ForgottenDevice(in.ID), r.Snapshot), nil
}

func forgetOwnDevices(c *operation.Call, _ operation.Empty) (Wrapped[[]wire.DeletedObject], error) {
	r, err := c.Service.Sessions.ForgetAllOwn(c, c.Caller)
	if err != nil {
		return Wrapped[[]wire.DeletedObject]{}, err
	}
	out := []wire.DeletedObject{}
	for _, d := range r.All {
		out = append(out, wire.ForgottenDevice(d.WireID()))
	}
	return wrap(c, out, r.Snapshot), nil
}
