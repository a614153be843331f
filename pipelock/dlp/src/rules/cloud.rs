//! Keys of clouds, hosters and infrastructure.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::{Critical, High, Low, Medium};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "aws-access-key-id",
        Critical,
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}",
    )
    .checked(check::not_an_example),
    Rule::new(
        "aws-secret-key",
        Critical,
        &["aws_secret", "AWS_SECRET", "SecretAccessKey", "secretAccessKey"],
        r#"(?i:aws_secret(?:_access)?_key|SecretAccessKey)["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+]{40}"#,
    ),
    Rule::new(
        "aws-session-token",
        Critical,
        &["aws_session_token", "AWS_SESSION_TOKEN", "SessionToken"],
        r#"(?i:aws_session_token|SessionToken)["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+=]{100,1200}"#,
    ),
    Rule::new("aws-bedrock-api-key", Critical, &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,140}={0,2}"),
    Rule::new("google-api-key", High, &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
    Rule::new("google-oauth-token", Critical, &["ya29."], r"ya29\.[A-Za-z0-9_-]{30,400}"),
    Rule::new("google-oauth-client-secret", Critical, &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    Rule::new(
        "google-oauth-client-id",
        Low,
        &[".apps.googleusercontent.com"],
        r"\.apps\.googleusercontent\.com",
    )
    .anywhere(),
    Rule::new("google-refresh-token", Critical, &["1//0"], r"1//0[A-Za-z0-9_-]{60,120}"),
    Rule::new(
        "google-service-account",
        Critical,
        &["private_key_id"],
        r#"private_key_id"\s{0,4}:\s{0,4}"[0-9a-f]{40}""#,
    )
    .anywhere()
    .checked(check::not_placeholder),
    Rule::new("azure-storage-key", Critical, &["AccountKey="], r"AccountKey=[A-Za-z0-9+/]{86}==")
        .anywhere(),
    Rule::new(
        "azure-shared-access-key",
        Critical,
        &["SharedAccessKey="],
        r"SharedAccessKey=[A-Za-z0-9+/]{43}=",
    )
    .anywhere(),
    Rule::new("azure-client-secret", Critical, &["8Q~", "7Q~"], r"[78]Q~[A-Za-z0-9_.~-]{31,34}")
        .anywhere(),
    Rule::new(
        "digitalocean-token",
        Critical,
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_[0-9a-f]{64}",
    ),
    Rule::new(
        "hashicorp-vault-token",
        Critical,
        &["hvs.", "hvb.", "hvr."],
        r"hv[sbr]\.[A-Za-z0-9_-]{24,300}",
    ),
    Rule::new(
        "terraform-cloud-token",
        Critical,
        &[".atlasv1."],
        r"\.atlasv1\.[A-Za-z0-9_-]{60,70}",
    )
    .anywhere(),
    Rule::new(
        "vercel-token",
        Critical,
        &["vcp_", "vck_", "vci_", "vca_", "vcr_"],
        r"vc[pkiar]_[A-Za-z0-9]{24,80}",
    ),
    Rule::new(
        "supabase-token",
        Critical,
        &["sbp_", "sb_secret_"],
        r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{31,60})",
    ),
    Rule::new(
        "flyio-token",
        Critical,
        &["FlyV1", "fo1_"],
        r"(?:FlyV1 fm[12][a-z]?_[A-Za-z0-9+/=,_-]{100,600}|fo1_[A-Za-z0-9_-]{43})",
    ),
    Rule::new("heroku-api-key", Critical, &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,64}"),
    Rule::new("netlify-token", Critical, &["nfp_"], r"nfp_[A-Za-z0-9]{36}"),
    Rule::new("cloudflare-origin-key", Critical, &["v1.0-"], r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    Rule::new(
        "planetscale-token",
        Critical,
        &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
        r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}",
    ),
    Rule::new("pulumi-token", Critical, &["pul-"], r"pul-[0-9a-f]{40}"),
    Rule::new(
        "doppler-token",
        Critical,
        &["dp."],
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,60}",
    ),
    Rule::new("databricks-token", Critical, &["dapi"], r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    Rule::new("alibaba-access-key", High, &["LTAI"], r"LTAI[A-Za-z0-9]{16,20}").whole(),
    Rule::new("tencent-secret-id", Medium, &["AKID"], r"AKID[A-Za-z0-9]{32}").whole(),
    Rule::new(
        "tailscale-key",
        Critical,
        &["tskey-"],
        r"tskey-(?:api|auth|client|scim|webhook)-[A-Za-z0-9]{8,32}-[A-Za-z0-9]{16,64}",
    ),
    Rule::new(
        "1password-service-token",
        Critical,
        &["ops_eyJ"],
        r"ops_eyJ[A-Za-z0-9+/_-]{200,1200}",
    ),
    Rule::new(
        "age-secret-key",
        Critical,
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
];
