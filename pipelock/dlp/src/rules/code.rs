//! Tokens of code hosts, package registries and build services.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::{Critical, High};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "github-token",
        Critical,
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{36}",
    )
    .checked(check::token),
    Rule::new(
        "github-fine-grained-token",
        Critical,
        &["github_pat_"],
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    ),
    Rule::new(
        "gitlab-token",
        Critical,
        &[
            "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-",
            "gloas-", "glimt-",
        ],
        r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-[A-Za-z0-9_.-]{20,70}",
    ),
    Rule::new("bitbucket-app-password", Critical, &["ATBB"], r"ATBB[A-Za-z0-9]{24}[0-9A-F]{8}"),
    Rule::new(
        "atlassian-api-token",
        Critical,
        &["ATATT3", "ATCTT3"],
        r"AT[AC]TT3[A-Za-z0-9_=-]{100,260}",
    ),
    Rule::new("gitea-token", High, &["gitea_"], r"gitea_[0-9a-f]{40}"),
    Rule::new("npm-token", Critical, &["npm_"], r"npm_[A-Za-z0-9]{36}").checked(check::token),
    Rule::new(
        "npm-auth",
        Critical,
        &[":_authToken=", ":_auth="],
        r"(?::_authToken|:_auth)=[A-Za-z0-9+/=_.-]{16,200}",
    )
    .anywhere(),
    Rule::new(
        "pypi-token",
        Critical,
        &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"],
        r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZ)[A-Za-z0-9_-]{50,400}",
    ),
    Rule::new("crates-io-token", Critical, &["cio"], r"cio[A-Za-z0-9]{32}").whole(),
    Rule::new("rubygems-key", Critical, &["rubygems_"], r"rubygems_[0-9a-f]{48}"),
    Rule::new("clojars-token", Critical, &["CLOJARS_"], r"CLOJARS_[a-z0-9]{60}"),
    Rule::new("nuget-key", Critical, &["oy2"], r"oy2[a-z0-9]{43}").whole(),
    Rule::new(
        "docker-hub-token",
        Critical,
        &["dckr_pat_", "dckr_oat_"],
        r"dckr_[po]at_[A-Za-z0-9_-]{27,64}",
    ),
    Rule::new(
        "jfrog-token",
        Critical,
        &["cmVmdGtuOj", "AKCp"],
        r"(?:cmVmdGtuOj[A-Za-z0-9+/=]{40,120}|AKCp[A-Za-z0-9]{60,80})",
    ),
    Rule::new(
        "circleci-token",
        Critical,
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]{16,32}_[0-9a-f]{40}",
    ),
    Rule::new(
        "buildkite-token",
        Critical,
        &["bkua_", "bkct_", "bkpt_"],
        r"bk(?:ua|ct|pt)_[A-Za-z0-9]{40,60}",
    ),
    Rule::new(
        "sourcegraph-token",
        Critical,
        &["sgp_"],
        r"sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}",
    ),
    Rule::new("sonar-token", Critical, &["sqp_", "squ_", "sqa_"], r"sq[pua]_[0-9a-f]{40}"),
    Rule::new("snyk-token", High, &["snyk_uat."], r"snyk_uat\.[0-9a-f]{8}\.[A-Za-z0-9_.-]{80,400}"),
    Rule::new("postman-key", Critical, &["PMAK-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    Rule::new("readme-key", High, &["rdme_"], r"rdme_[a-z0-9]{70}"),
];
