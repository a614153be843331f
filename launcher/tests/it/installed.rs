//! `bottle` as `cargo xtask install` leaves it: the sidecars' programs lie beside it.

use compose_testkit::sidecars;

use crate::ground::Ground;

#[test]
fn bottle_finds_its_sidecars_beside_it_and_says_so_where_they_are_not() {
    let mut ground = Ground::new("installed");
    let prefix = ground.account.here().join("prefix");
    ground.account.install(&prefix.join("bin"));
    ground.account.unset("BOTTLE_SIDECARS");

    let without = ground.start(&["--", "-c", "true"]);
    assert_eq!(without.code, Some(1), "{without:?}");
    let place = prefix.join("lib/bottle").display().to_string();
    assert!(without.err.contains("the sidecar binary `"), "{without:?}");
    assert!(without.err.contains(&place), "{without:?}");
    assert!(without.err.contains("hint: `cargo xtask install`"), "{without:?}");
    assert!(!ground.state("").exists());
    let doctor = ground.bottle(&["doctor"]);
    assert!(doctor.out.contains("FAILS the sidecar binary `pipelock-proxy`"), "{doctor:?}");
    // What needs no container needs no sidecar either.
    let rendered = ground.bottle(&["check", "m.yaml"]);
    assert_eq!(rendered.code, Some(0), "{rendered:?}");

    std::fs::create_dir_all(prefix.join("lib/bottle")).unwrap();
    for binary in std::fs::read_dir(sidecars().dir()).unwrap() {
        let binary = binary.unwrap().path();
        std::fs::copy(&binary, prefix.join("lib/bottle").join(binary.file_name().unwrap()))
            .unwrap();
    }
    let with = ground.start(&["--", "-c", "cat file.txt"]);
    assert_eq!((with.code, with.out.as_str()), (Some(0), "of the host\n"), "{with:?}");
    ground.assert_gone();
}
