package apierr_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

func TestUnknownErrorsSayNothing(t *testing.T) {
	e := apierr.From(fmt.Errorf("open /var/secret: %w", os.ErrPermission))
	if e.Code() != apierr.InternalClerkError {
		t.Errorf("got %v", e)
	}
	if told := fmt.Sprint(e.Error(), e.Message(), e.LongMessage(), e.Meta()); strings.Contains(told, "secret") || strings.Contains(told, "permission") {
		t.Errorf("the error tells the cause: %s", told)
	}
}

func TestCatalogueErrorsSurviveWrapping(t *testing.T) {
	base := apierr.New(apierr.FormCodeIncorrect)
	err := fmt.Errorf("attempt: %w", base.Param("code").Retry(1500*time.Millisecond))
	if !errors.Is(err, base) || errors.Is(err, apierr.New(apierr.UserLocked)) {
		t.Error("errors.Is must compare by code")
	}
	got := apierr.From(err)
	if got.RetryAfter() != 2*time.Second {
		t.Errorf("retry after %v, want it rounded up to 2s", got.RetryAfter())
	}
	if diff := cmp.Diff(map[string]any{"param_name": "code"}, got.Meta()); diff != "" {
		t.Error(diff)
	}
	if len(base.Meta()) != 0 {
		t.Error("Param changed the error it was called on")
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	if got := apierr.New("no_such_code").Code(); got != apierr.InternalClerkError {
		t.Errorf("code %s", got)
	}
}
