//! The first of all injections in other languages. Marks over letters are gone in the plain form.

use crate::rule::{Rule, strong};

pub(super) const RULES: &[Rule] = &[
    // Chinese: ignore, forget; previous, above, all; instructions, prompts, rules.
    strong(
        "ignore-instructions-cjk",
        "(?:忽略|无视|無視|忘记|忘記|忽视|忽視|不要遵守|不要理会)[^a-z0-9]{0,24}(?:之前|以前|先前|上面|上述|以上|前面|所有|全部|系统|系統)[^a-z0-9]{0,18}(?:指令|指示|提示|规则|規則|命令|说明|說明)",
    ),
    // Japanese: object first, then the verb.
    strong(
        "ignore-instructions-cjk",
        "(?:これまで|以前|今まで|上記|前|すべて|全て|システム)[^a-z0-9]{0,24}(?:指示|命令|指令|プロンプト|ルール)[^a-z0-9]{0,12}(?:無視|忘れ|破棄|従わない)",
    ),
    // Korean.
    strong(
        "ignore-instructions-cjk",
        "(?:이전|위의|앞의|기존|모든|시스템)[^a-z0-9]{0,24}(?:지시|명령|프롬프트|지침|규칙)[^a-z0-9]{0,16}(?:무시|잊|따르지)",
    ),
    strong(
        "jailbreak-cjk",
        "(?:越狱模式|越獄模式|脱獄モード|탈옥 ?모드|开发者模式已|開發者模式已|開発者モードが有効|(?:没有|沒有|不受)任何(?:限制|约束|約束)[^a-z0-9]{0,12}(?:回答|模式|助手))",
    ),
    strong(
        "ignore-instructions-spanish",
        r"\b(?:ignora|ignore|olvida|olvide|descarta|omite){W}{G3}(?:instrucciones|indicaciones|ordenes){W}{G2}(?:anteriores|previas|precedentes|del{W}sistema)\b",
    ),
    strong(
        "ignore-instructions-portuguese",
        r"\b(?:ignore|ignora|esqueca|desconsidere){W}{G3}(?:instrucoes|orientacoes|ordens){W}{G2}(?:anteriores|previas|acima|do{W}sistema)\b",
    ),
    strong(
        "ignore-instructions-french",
        r"\b(?:ignore[rz]?|oublie[rz]?|ne{W}tiens{W}pas{W}compte{W}de){W}{G3}(?:instructions|consignes|directives){W}{G2}(?:precedentes|anterieures|ci-dessus|du{W}systeme)\b",
    ),
    strong(
        "ignore-instructions-german",
        r"\b(?:ignoriere?n?|vergiss|vergessen{W}sie|missachte){W}{G3}(?:vorherigen?|bisherigen?|vorigen?|obigen?|fruheren?){W}{G2}(?:anweisungen|instruktionen|vorgaben|befehle)\b",
    ),
    strong(
        "ignore-instructions-italian",
        r"\b(?:ignora|ignorate|dimentica|dimenticate){W}{G3}(?:istruzioni|indicazioni){W}{G2}(?:precedenti|di{W}sistema|sopra)\b",
    ),
    strong(
        "ignore-instructions-russian",
        "(?:игнорируй|игнорируйте|забудь|забудьте)[^a-z0-9]{0,40}(?:предыдущие|прежние|все)[^a-z0-9]{0,40}(?:инструкции|указания|команды)",
    ),
];
