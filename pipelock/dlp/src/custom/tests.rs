//! A number that is valid begins within a match that is not: it is found, wherever the text is cut.

use super::*;
use crate::{Finding, Rules, Stream};

fn rules(expression: &str, validator: Option<Validator>) -> Rules {
    let custom = Custom::new("Employee Number", expression, validator, Severity::High);
    Rules::builtin().clone().and(vec![custom.unwrap()])
}

fn found(rules: &Rules, text: &str) -> Vec<Finding> {
    let findings = rules.scan(text.as_bytes()).into_iter();
    findings.filter(|finding| finding.rule == "Employee Number").collect()
}

#[test]
fn an_expression_of_a_policy_is_found_in_any_case_and_however_it_is_written() {
    let rules = rules(r"emp-\d{6}", None);
    for text in ["EMP-123456", "x=emp-123456;", "Emp%2D123456", r#"{"a": "emp-123456"}"#] {
        assert_eq!(found(&rules, text).len(), 1, "{text}");
    }
    // base64("the number is emp-123456, in the third line")
    let coded = "dGhlIG51bWJlciBpcyBlbXAtMTIzNDU2LCBpbiB0aGUgdGhpcmQgbGluZQ==";
    assert_eq!(found(&rules, coded)[0].encoding, "base64");
    for text in ["emp-12345", "emp 123456", "emp-１２３４５６"] {
        assert!(found(&rules, text).is_empty(), "{text}");
    }
}

#[test]
fn a_match_is_found_wherever_it_is_cut_and_none_of_it_is_let_go_before() {
    let text = format!("{} Project Blue Whale, {}", "words ".repeat(50), "more ".repeat(50));
    let rules = rules(r"project\s+blue\s+whale", None);
    let at = text.find("Project").unwrap();
    for cut in 0..text.len() {
        let mut stream = Stream::new(&rules);
        let (one, two) = text.as_bytes().split_at(cut);
        let mut findings = stream.push(one);
        let let_go = cut - stream.held();
        assert!(let_go <= at || !findings.is_empty(), "{cut}");
        findings.extend(stream.push(two));
        findings.extend(stream.finish());
        assert_eq!(findings.len(), 1, "{cut}");
        assert_eq!((findings[0].offset, findings[0].len), (at as u64, 18));
    }
}

#[test]
fn a_validator_decides_over_what_matched() {
    let luhn = rules(r"\b\d{16}\b", Some(Validator::Luhn));
    assert_eq!(found(&luhn, "4111111111111111 4111111111111112").len(), 1);
    let aba = rules(r"\b\d{9}\b", Some(Validator::Aba));
    assert_eq!(found(&aba, "021000021 021000022").len(), 1);
    let iban = rules(r"[A-Z]{2}\d{20}", Some(Validator::Mod97));
    assert_eq!(found(&iban, "DE89370400440532013000 DE89370400440532013001").len(), 1);
    let wif = rules(r"5[1-9A-Za-z]{50}", Some(Validator::Wif));
    let key = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";
    assert_eq!(found(&wif, &format!("{key} {}", key.replace('T', "U"))).len(), 1);
}

#[test]
fn a_valid_number_is_found_in_a_row_with_other_digits_wherever_it_is_cut() {
    let luhn = rules(r"\d{16}", Some(Validator::Luhn));
    // None of the sixteen digits that begin before it is valid by chance.
    for (before, after) in [("2", ""), ("91", "1"), ("4177763", "77"), ("254122482447577104", "")] {
        let text = format!("a {before}4111111111111111{after} and more");
        let whole = found(&luhn, &text);
        assert!(whole.iter().any(|one| one.offset == 2 + before.len() as u64), "{text}");
        for cut in 0..text.len() {
            let mut stream = Stream::new(&luhn);
            let (one, two) = text.as_bytes().split_at(cut);
            let mut findings = stream.push(one);
            findings.extend(stream.push(two));
            findings.extend(stream.finish());
            findings.retain(|finding| finding.rule == "Employee Number");
            assert_eq!(findings, whole, "{text} {cut}");
        }
    }
    // An account behind what looks like its beginning.
    let iban = rules(r"[A-Z]{2}[A-Z0-9]{20}", Some(Validator::Mod97));
    assert_eq!(found(&iban, "AB12DE89370400440532013000 ")[0].offset, 4);
}

#[test]
fn long_rows_of_digits_without_a_valid_number_take_time_linear_in_their_length() {
    let digits = "1234567890".repeat(20_000);
    for expression in [r"\d{16}", r"\d{13,}", r"\d{13,4000}"] {
        let aba = Custom::new("x", expression, Some(Validator::Aba), Severity::High).unwrap();
        let mut pass = Pass::default();
        let (text, until) = (digits.as_bytes(), digits.len());
        aba.each(Part { text, until, more: false, depth: 0 }, &mut pass);
        assert!(pass.hits.is_empty(), "{expression}");
    }
}

#[test]
fn what_is_no_expression_or_matches_everything_is_refused() {
    let refused = |text: &str| Custom::new("x", text, None, Severity::High).unwrap_err();
    assert_eq!(refused("("), InvalidExpression::Unreadable);
    assert_eq!(refused("(a{1000}){1000}"), InvalidExpression::Unreadable);
    assert_eq!(refused("x*"), InvalidExpression::Empty);
    assert_eq!(refused(&"a".repeat(LONGEST_EXPRESSION + 1)), InvalidExpression::TooLong);
}

#[test]
fn one_name_is_kept_once() {
    let again: String = "a name".chars().collect();
    assert!(std::ptr::eq(kept("a name"), kept(&again)));
}
