// Package operator reads the AWS configuration of an operator's shell, for commands. Functions read
// theirs without a library, because that starts faster.
package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// errNoRegion is returned when the shell names no region.
var errNoRegion = errors.New("there is no region: set AWS_REGION, or a region in the profile")

// Config returns region and credentials as the AWS CLI finds them: in the environment, in a
// profile, or by single sign-on. It asks AWS for nothing yet, unless the profile says so. A region
// that is not empty replaces that of the shell.
func Config(ctx context.Context, region string) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return c, fmt.Errorf("AWS configuration: %w", err)
	}
	if c.Region == "" {
		return c, errNoRegion
	}
	return c, nil
}
