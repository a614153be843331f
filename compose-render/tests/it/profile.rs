//! The seccomp profile as the engine reads it.

#[test]
fn a13_the_profile_is_stable() {
    insta::assert_snapshot!(compose_render::seccomp_profile());
}
