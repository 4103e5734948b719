package wire

import "github.com/countersign-mfa/countersign/internal/domain/sessions"

// RememberedDevice is a device on which a user signs in with the first factor only.
type RememberedDevice struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	// BrowserName and the fields after it are read from the User-Agent, as those of [Activity].
	BrowserName    string `json:"browser_name"`
	BrowserVersion string `json:"browser_version"`
	DeviceType     string `json:"device_type"`
	IsMobile       bool   `json:"is_mobile"`
	CreatedAt      int64  `json:"created_at"` // when the second factor was proved
	ExpireAt       int64  `json:"expire_at"`
}

const rememberedDevice = "remembered_device"

// NewRememberedDevice returns a remembered device.
func NewRememberedDevice(d sessions.RememberedDevice) RememberedDevice {
	browser := deviceOf(d.Agent)
	return RememberedDevice{
		Object: rememberedDevice, ID: d.WireID(), BrowserName: browser.BrowserName, BrowserVersion: browser.BrowserVersion,
		DeviceType: browser.DeviceType, IsMobile: browser.IsMobile, CreatedAt: int64(d.At), ExpireAt: int64(d.Ends),
	}
}

// NewRememberedDevices returns remembered devices, in their order.
func NewRememberedDevices(all []sessions.RememberedDevice) []RememberedDevice {
	out := []RememberedDevice{}
	for _, d := range all {
		out = append(out, NewRememberedDevice(d))
	}
	return out
}

// ForgottenDevice names a device that is no longer remembered.
func ForgottenDevice(id string) DeletedObject {
	return DeletedObject{Object: rememberedDevice, ID: id, Deleted: true}
}
