package smsprice

import (
	"strings"
	"testing"
	"time"
)

func TestWhatIsUnknownIsNeverCheap(t *testing.T) {
	for country, price := range estimates {
		if len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("%q is no country", country)
		}
		if price <= 0 || price >= Highest {
			t.Errorf("%s costs %f, want more than nothing and less than what is unknown", country, price.Dollars())
		}
		if Of(country) != price {
			t.Errorf("%s costs %v, want %v", country, Of(country), price)
		}
	}
	for _, country := range []string{"", "XX", "us"} {
		if Of(country) != Highest {
			t.Errorf("%q costs %v, want the highest price", country, Of(country))
		}
	}
}

func TestTheFiguresSayWhenTheyWereCompiled(t *testing.T) {
	if _, err := time.Parse("2006-01", Compiled); err != nil {
		t.Error(err)
	}
}

func TestDollars(t *testing.T) {
	if got := Micros(6450).Dollars(); got != 0.00645 {
		t.Errorf("6,450 millionths are %v dollars", got)
	}
}
