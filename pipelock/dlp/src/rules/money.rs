//! Keys of payment services and shops.

use crate::rule::Rule;
use crate::rule::Severity::{Critical, High};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "stripe-key",
        Critical,
        &["sk_live_", "rk_live_", "sk_test_", "rk_test_"],
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{20,120}",
    ),
    Rule::new("stripe-webhook-secret", Critical, &["whsec_"], r"whsec_[A-Za-z0-9+/=]{32,80}"),
    Rule::new(
        "square-token",
        Critical,
        &["EAAA", "sq0atp-", "sq0csp-"],
        r"(?:EAAA[A-Za-z0-9_-]{60}|sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43})",
    ),
    Rule::new(
        "shopify-token",
        Critical,
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"shp(?:at|ca|pa|ss)_[0-9a-f]{32}",
    ),
    Rule::new(
        "paypal-braintree-token",
        Critical,
        &["access_token$production$"],
        r"access_token\$production\$[a-z0-9]{16}\$[0-9a-f]{32}",
    ),
    Rule::new(
        "plaid-token",
        Critical,
        &["access-production-", "access-sandbox-", "access-development-"],
        r"access-(?:production|sandbox|development)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    Rule::new(
        "razorpay-key",
        High,
        &["rzp_live_", "rzp_test_"],
        r"rzp_(?:live|test)_[A-Za-z0-9]{14}",
    ),
    Rule::new("flutterwave-key", Critical, &["FLWSECK"], r"FLWSECK(?:_TEST)?-[0-9a-f]{12,40}-?X?"),
    Rule::new(
        "adyen-api-key",
        Critical,
        &["AQE"],
        r"AQE[a-z][A-Za-z0-9+/=]{60,200}-[A-Za-z0-9+/=]{40,60}-[A-Za-z0-9(){}\[\].,:;!?@#$%^&*<>~_=+-]{16}",
    ),
];
