package smoke

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// SMS asks [Run] to send a real code to a number as well.
type SMS struct {
	// Number receives the code, in the form E.164. It is in no error and no advice.
	Number string
	// Wait is how long the code may take.
	Wait time.Duration
	// Code returns the code that the operator reads on the phone, or the zero value if none arrived.
	// It is called again after a wrong code. Its context ends when the time is over.
	Code func(context.Context) (secret.Value, error)
	// Arrived is called once the code is verified, with the time since the deployment sent it.
	Arrived func(after time.Duration)
	// Advise is called for each sentence on what to look at, if the code was not sent or did not
	// arrive.
	Advise func(sentence string)
}

// triesOfCode is how many wrong codes the operator may type.
const triesOfCode = 3

// errNotArrived says that the operator gave up or that the time is over.
var errNotArrived = errors.New("no code arrived")

// text is a code on its way to a number.
type text struct {
	phone, verification string
	sent                time.Time
}

// sms adds the number to the user, sends a code to it and checks what the operator types.
func (v *visit) sms(ctx context.Context) error {
	t := &text{}
	if err := v.step(ctx, "a code is sent to the number", func(ctx context.Context) error { return v.send(ctx, t) }); err != nil {
		if t.phone != "" && ctx.Err() == nil {
			v.advise(ctx, t)
		}
		return err
	}
	err := v.step(ctx, "the code arrives and verifies the number", func(ctx context.Context) error { return v.arrive(ctx, t) })
	if errors.Is(err, errNotArrived) {
		v.advise(ctx, t)
	}
	return err
}

func (v *visit) send(ctx context.Context, t *text) error {
	var number, verification struct{ ID string }
	body := map[string]any{"user_id": v.user, "phone_number": v.SMS.Number, "verified": false}
	if err := v.server.Call(ctx, http.MethodPost, "/v1/phone_numbers", body, &number); err != nil {
		return err
	}
	t.phone = number.ID
	if err := v.server.Call(ctx, http.MethodPost, "/v1/phone_numbers/"+t.phone+"/prepare_verification", nil, &verification); err != nil {
		return err
	}
	t.verification, t.sent = verification.ID, v.Now()
	return nil
}

// arrive asks for the code until it is right.
func (v *visit) arrive(ctx context.Context, t *text) error {
	waits, stop := context.WithTimeout(ctx, v.SMS.Wait)
	defer stop()
	for range triesOfCode {
		code, err := v.SMS.Code(waits)
		after := v.Now().Sub(t.sent)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case waits.Err() != nil:
			return fmt.Errorf("%w within %v", errNotArrived, v.SMS.Wait)
		case err != nil:
			return err
		case code.IsZero():
			return errNotArrived
		}
		var out struct{ Status string }
		body := map[string]any{"verification_id": t.verification, "code": code.Reveal()}
		if err := v.server.Call(ctx, http.MethodPost, "/v1/phone_numbers/"+t.phone+"/attempt_verification", body, &out); err != nil {
			return err
		}
		if out.Status == "verified" {
			v.SMS.Arrived(after)
			return nil
		}
	}
	return fmt.Errorf("%d codes were wrong", triesOfCode)
}

// message is what GET /v1/sms_messages says of a message.
type message struct {
	Phone       string `json:"phone_number_id"`
	Status      string
	Reason      string
	Undelivered string `json:"undelivered_reason"`
	Test        bool
}

// advise tells the operator what the log has of the message, and what to look at.
func (v *visit) advise(ctx context.Context, t *text) {
	found, err := v.find(ctx, t.phone)
	if err != nil {
		v.SMS.Advise("GET /v1/sms_messages fails, which would have the status of the message: " + err.Error())
	}
	for _, sentence := range advice(found) {
		v.SMS.Advise(sentence)
	}
}

// find returns the newest message to a number, or nil. Other users' messages may be newer.
func (v *visit) find(ctx context.Context, phone string) (*message, error) {
	var page struct{ Data []message }
	err := v.server.Call(ctx, http.MethodGet, "/v1/sms_messages?limit=500", nil, &page)
	for i := range page.Data {
		if page.Data[i].Phone == phone {
			return &page.Data[i], err
		}
	}
	return nil, err
}
