//! The filter against a search that looks everywhere: every anchor of every rule is nominated.

use super::*;
use crate::drawn::Drawn;

#[test]
fn every_needle_is_found_where_it_stands_also_in_another() {
    let shape = Shape::of("(?s)sk-.{20}").unwrap();
    let other = Shape::of("(?s)ant.{20}").unwrap();
    let filter = Filter::new(&[(0, "sk-", &shape), (1, "sk-ant-", &shape), (2, "ant", &other)]);
    for before in 0..40 {
        for behind in ["", "y", "yz", "yzx, and more of it: so much that it fills a block"] {
            let text = ["x".repeat(before).as_str(), " sk-ant-", behind].concat();
            let mut seen = Vec::new();
            filter.each(text.as_bytes(), text.len(), |at, rule| seen.push((at, rule)));
            seen.sort_unstable();
            assert_eq!(seen, [(before + 1, 0), (before + 1, 1), (before + 4, 2)], "{text}");
        }
    }
}

/// Every place at which a needle stands that its rule's shape allows.
fn slowly(anchors: &[(usize, &str, &Shape)], text: &[u8]) -> Vec<(usize, usize)> {
    let mut seen = Vec::new();
    for at in 0..text.len() {
        for (rule, needle, shape) in anchors {
            if text[at..].starts_with(needle.as_bytes()) && shape.allows(&text[at..]) {
                seen.push((at, *rule));
            }
        }
    }
    seen
}

#[test]
fn every_anchor_of_every_rule_is_found_as_by_looking_at_every_byte() {
    let all: Vec<_> = crate::rules::all().collect();
    let shapes: Vec<_> = all.iter().map(|rule| Shape::of(rule.expression).unwrap()).collect();
    let mut anchors = Vec::new();
    for (number, (rule, shape)) in all.iter().zip(&shapes).enumerate() {
        if let crate::rule::Trigger::Anchors(texts) = &rule.trigger {
            anchors.extend(texts.iter().map(|&text| (number, text, shape)));
        }
    }
    let filter = Filter::new(&anchors);
    let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
    let mut draw = |end| drawn.below(end);
    for nth in 0..anchors.len() * 40 {
        let (_, anchor, shape) = anchors[nth % anchors.len()];
        let mut text: Vec<u8> = (0..draw(20)).map(|_| b"ab- \n\xe9"[draw(6)]).collect();
        text.extend(anchor.bytes());
        for place in anchor.len()..anchor.len() + draw(12) {
            let allowed = shape.allowed(place);
            // Now and then what may not stand there.
            text.push(if draw(9) == 0 { 0xff } else { allowed[draw(allowed.len())] });
        }
        text.extend((0..draw(20)).map(|_| b"k_1/:\0"[draw(6)]));
        let mut seen = Vec::new();
        filter.each(&text, text.len(), |at, number| {
            if shapes[number].allows(&text[at..]) {
                seen.push((at, number));
            }
        });
        let mut slow = slowly(&anchors, &text);
        seen.sort_unstable();
        slow.sort_unstable();
        assert_eq!(seen, slow, "{:?}", text.escape_ascii().to_string());
    }
}
