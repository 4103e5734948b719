package main

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
)

// stripSlashes is the CloudFront Function of all requests.
//
//go:embed edge.js
var stripSlashes string

const (
	// cachingDisabled is the managed cache policy of this name (CloudFront's developer guide, "Use
	// managed cache policies").
	cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	edgeOrigin      = "api"
	edgeWait        = 30 // seconds; the gateway gives up before
	edgeKeeps       = 31_536_000
)

// secretOfEdge makes the secret by which CloudFront proves itself. It is removed with the
// stack, because no data depend on it.
func (s *Stack) secretOfEdge() awssecretsmanager.CfnSecret {
	secret := awssecretsmanager.NewCfnSecret(s.cdk, jsii.String("EdgeSecret"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("The header by which CloudFront proves itself. The function keys-rotate makes its versions."),
	})
	secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	return secret
}

// edgeName returns the name of a policy or function of CloudFront, which is unique in an account,
// over all regions.
func (s *Stack) edgeName(part string) *string {
	return join(s.settings.Name, "-", s.cdk.Region(), "-", part)
}

// edge makes the distribution in front of the API. Its origin is the API's own domain in the
// region, which answers for the same name, so the API sees the host that callers use, and the name
// can move between the two without a pause.
func (s *Stack) edge(regional *string) {
	set := s.settings.Edge
	rotate := s.functions[string(plan.Rotate)]
	value := awscdk.NewCustomResource(s.cdk, jsii.String("EdgeSecretValue"), &awscdk.CustomResourceProps{
		ServiceToken: rotate.FunctionArn(), ResourceType: jsii.String(rotation.EdgeResource), ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(jobSecs)),
		Properties: &map[string]any{"Name": s.settings.Name, "Secret": s.edgeSecret.Ref(), "Version": set.version()},
	})
	distribution := awscloudfront.NewCfnDistribution(s.cdk, jsii.String("Edge"), &awscloudfront.CfnDistributionProps{
		DistributionConfig: &awscloudfront.CfnDistribution_DistributionConfigProperty{
			Enabled: jsii.Bool(true), Comment: jsii.String("Countersign: " + s.settings.Name), Aliases: jsii.Strings(s.settings.Domain.Name),
			HttpVersion: jsii.String("http2and3"), Ipv6Enabled: jsii.Bool(true), WebAclId: &set.ACL,
			ViewerCertificate: &awscloudfront.CfnDistribution_ViewerCertificateProperty{
				AcmCertificateArn: &set.Certificate, MinimumProtocolVersion: jsii.String("TLSv1.2_2021"), SslSupportMethod: jsii.String("sni-only"),
			},
			Origins:              []any{s.origin(regional)},
			DefaultCacheBehavior: s.passed(),
			CacheBehaviors:       s.cached(),
			CustomErrorResponses: forgottenErrors(),
		},
	})
	// The secret's version exists, and the functions accept it, before CloudFront sends it.
	distribution.AddResourceDependency(value.Node().DefaultChild().(awscdk.CfnResource), nil)
	awscdk.NewCfnOutput(s.cdk, jsii.String("EdgeTarget"), &awscdk.CfnOutputProps{
		Value: distribution.AttrDomainName(), Description: jsii.String("Make " + s.settings.Domain.Name + " a CNAME of this"),
	})
}

// origin is the API's own domain, with the header that proves CloudFront. The reference names the
// secret's version: CloudFormation resolves a reference again only when its text changes.
func (s *Stack) origin(regional *string) *awscloudfront.CfnDistribution_OriginProperty {
	return &awscloudfront.CfnDistribution_OriginProperty{
		Id: jsii.String(edgeOrigin), DomainName: regional,
		CustomOriginConfig: &awscloudfront.CfnDistribution_CustomOriginConfigProperty{
			OriginProtocolPolicy: jsii.String("https-only"), OriginSslProtocols: jsii.Strings("TLSv1.2"), OriginReadTimeout: jsii.Number(edgeWait),
		},
		OriginCustomHeaders: []any{&awscloudfront.CfnDistribution_OriginCustomHeaderProperty{
			HeaderName:  jsii.String(lambdahost.EdgeHeader),
			HeaderValue: join("{{resolve:secretsmanager:", s.edgeSecret.Ref(), ":SecretString:::", s.settings.Edge.version(), "}}"),
		}},
	}
}

// passed is the behaviour of every path that is not cached: the request reaches the API as it is,
// with the caller's address. No managed policy does that: AllViewer adds no address, and
// AllViewerAndCloudFrontHeaders adds the caller's place and device.
func (s *Stack) passed() *awscloudfront.CfnDistribution_DefaultCacheBehaviorProperty {
	policy := awscloudfront.NewCfnOriginRequestPolicy(s.cdk, jsii.String("EdgeRequests"), &awscloudfront.CfnOriginRequestPolicyProps{
		OriginRequestPolicyConfig: &awscloudfront.CfnOriginRequestPolicy_OriginRequestPolicyConfigProperty{
			Name: s.edgeName("requests"),
			HeadersConfig: &awscloudfront.CfnOriginRequestPolicy_HeadersConfigProperty{
				HeaderBehavior: jsii.String("allViewerAndWhitelistCloudFront"), Headers: jsii.Strings(lambdahost.ViewerHeader),
			},
			CookiesConfig:      &awscloudfront.CfnOriginRequestPolicy_CookiesConfigProperty{CookieBehavior: jsii.String("all")},
			QueryStringsConfig: &awscloudfront.CfnOriginRequestPolicy_QueryStringsConfigProperty{QueryStringBehavior: jsii.String("all")},
		},
	})
	return &awscloudfront.CfnDistribution_DefaultCacheBehaviorProperty{
		// A redirect would come after the secrets of the request.
		TargetOriginId: jsii.String(edgeOrigin), ViewerProtocolPolicy: jsii.String("https-only"),
		AllowedMethods: jsii.Strings("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"),
		CachePolicyId:  jsii.String(cachingDisabled), OriginRequestPolicyId: policy.AttrId(), FunctionAssociations: s.normalised(),
	}
}

// cached are the behaviours of [plan.CachedByEdge]. The answer about keys differs by Origin.
func (s *Stack) cached() []any {
	keep := awscloudfront.NewCfnCachePolicy(s.cdk, jsii.String("EdgeCache"), &awscloudfront.CfnCachePolicyProps{
		CachePolicyConfig: &awscloudfront.CfnCachePolicy_CachePolicyConfigProperty{
			Name: s.edgeName("cache"), MinTtl: jsii.Number(0), DefaultTtl: jsii.Number(0), MaxTtl: jsii.Number(edgeKeeps),
			ParametersInCacheKeyAndForwardedToOrigin: &awscloudfront.CfnCachePolicy_ParametersInCacheKeyAndForwardedToOriginProperty{
				EnableAcceptEncodingGzip: jsii.Bool(true), EnableAcceptEncodingBrotli: jsii.Bool(false),
				HeadersConfig:      &awscloudfront.CfnCachePolicy_HeadersConfigProperty{HeaderBehavior: jsii.String("whitelist"), Headers: jsii.Strings("Origin")},
				CookiesConfig:      &awscloudfront.CfnCachePolicy_CookiesConfigProperty{CookieBehavior: jsii.String("none")},
				QueryStringsConfig: &awscloudfront.CfnCachePolicy_QueryStringsConfigProperty{QueryStringBehavior: jsii.String("none")},
			},
		},
	})
	policy := awscloudfront.NewCfnOriginRequestPolicy(s.cdk, jsii.String("EdgeCachedRequests"), &awscloudfront.CfnOriginRequestPolicyProps{
		OriginRequestPolicyConfig: &awscloudfront.CfnOriginRequestPolicy_OriginRequestPolicyConfigProperty{
			Name: s.edgeName("cached-requests"),
			HeadersConfig: &awscloudfront.CfnOriginRequestPolicy_HeadersConfigProperty{
				HeaderBehavior: jsii.String("whitelist"), Headers: jsii.Strings("Host", lambdahost.ViewerHeader, "Access-Control-Request-Method", "Access-Control-Request-Headers"),
			},
			CookiesConfig:      &awscloudfront.CfnOriginRequestPolicy_CookiesConfigProperty{CookieBehavior: jsii.String("none")},
			QueryStringsConfig: &awscloudfront.CfnOriginRequestPolicy_QueryStringsConfigProperty{QueryStringBehavior: jsii.String("none")},
		},
	})
	var all []any
	for _, pattern := range plan.CachedByEdge() {
		all = append(all, &awscloudfront.CfnDistribution_CacheBehaviorProperty{
			PathPattern: &pattern, TargetOriginId: jsii.String(edgeOrigin), ViewerProtocolPolicy: jsii.String("https-only"), AllowedMethods: jsii.Strings("GET", "HEAD", "OPTIONS"),
			CachePolicyId: keep.AttrId(), OriginRequestPolicyId: policy.AttrId(), FunctionAssociations: s.normalised(),
		})
	}
	return all
}

// normalised runs the CloudFront Function before the request goes on. All behaviours share it.
func (s *Stack) normalised() []any {
	const name = "EdgeSlashes"
	function, _ := s.cdk.Node().TryFindChild(jsii.String(name)).(awscloudfront.CfnFunction)
	if function == nil {
		function = awscloudfront.NewCfnFunction(s.cdk, jsii.String(name), &awscloudfront.CfnFunctionProps{
			Name: s.edgeName("slashes"), AutoPublish: jsii.Bool(true), FunctionCode: &stripSlashes,
			FunctionConfig: &awscloudfront.CfnFunction_FunctionConfigProperty{Comment: jsii.String("Removes slashes at the end of a path"), Runtime: jsii.String("cloudfront-js-2.0")},
		})
	}
	return []any{&awscloudfront.CfnDistribution_FunctionAssociationProperty{EventType: jsii.String("viewer-request"), FunctionArn: function.AttrFunctionArn()}}
}

// forgottenErrors keeps CloudFront from keeping errors.
func forgottenErrors() []any {
	var all []any
	for _, status := range plan.EdgeErrors() {
		all = append(all, &awscloudfront.CfnDistribution_CustomErrorResponseProperty{ErrorCode: jsii.Number(status), ErrorCachingMinTtl: jsii.Number(0)})
	}
	return all
}
