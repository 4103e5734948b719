package api

import (
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// The request headers of the Backend API that name an operator and a reason, in UTF-8 and
// percent-encoded (RFC 3986 section 2.1): a field value is ASCII (RFC 9110 section 5.5). An audit
// entry and an event have both.
const (
	operatorHeader = "Countersign-Operator"
	reasonHeader   = "Countersign-Reason"
)

// operator returns the operator that the headers of a request name. The error
// [apierr.FormParamFormatInvalid] names the header at fault.
func operator(h http.Header) (account.Operator, error) {
	name, err := encodedText(h, operatorHeader, tx.MaxOperatorName)
	if err != nil {
		return account.Operator{}, err
	}
	reason, err := encodedText(h, reasonHeader, tx.MaxOperatorReason)
	return account.Operator{OperatorName: name, Reason: reason}, err
}

// encodedText returns a percent-encoded text of at most some characters; "" without the header.
func encodedText(h http.Header, name string, most int) (string, error) {
	wrong := apierr.New(apierr.FormParamFormatInvalid).Param(name).Explain("The header is one line of text without invisible characters, in UTF-8, percent-encoded and not too long: a name has at most 40 characters, a reason 140.")
	values := h.Values(name)
	if len(values) == 0 {
		return "", nil
	}
	text, err := url.PathUnescape(values[0])
	if err != nil || len(values) > 1 {
		return "", wrong
	}
	line, ok := typed.Line(text)
	if !ok || utf8.RuneCountInString(line) > most {
		return "", wrong
	}
	return line, nil
}
