//! Images are built once, from what they are named by.

use compose_render::Role;
use compose_run::images::{self, BuildFile, ImageError};
use compose_testkit::{Stack, probe_client};

#[test]
fn an_image_is_built_once_and_again_when_a_byte_changed() {
    let stack = Stack::new("images");
    let docker = stack.docker();
    let dockerfile = "FROM scratch\nCOPY note /note\nCOPY probe-client /probe-client\n";
    let ensure = |note: &str| {
        let files = [
            BuildFile::bytes("note", 0o644, note),
            BuildFile::path("probe-client", 0o755, probe_client()),
        ];
        let mut built = false;
        let image = images::ensure(docker, "toy", dockerfile, &files, || built = true).unwrap();
        (image, built)
    };
    let note = stack.slug().as_str();
    let (first, built) = ensure(note);
    assert!(built && images::exists(docker, &first).unwrap());
    assert_eq!(ensure(note), (first.clone(), false));
    let (second, built) = ensure(&format!("{note}-changed"));
    assert!(built && second != first);
    assert!(images::list(docker).unwrap().iter().any(|image| image.name == first.as_str()));
    for image in [&first, &second] {
        images::remove(docker, image.as_str()).unwrap();
        images::remove(docker, image.as_str()).unwrap();
        assert!(!images::exists(docker, image).unwrap());
    }
}

#[test]
fn what_does_not_build_says_why_and_leaves_no_image() {
    let stack = Stack::new("images-bad");
    let files = [BuildFile::bytes("note", 0o644, stack.slug().as_str())];
    let bad = "FROM scratch\nCOPY absent /absent\n";
    let error = images::ensure(stack.docker(), "toy", bad, &files, || ()).unwrap_err();
    let ImageError::Build { part, source } = error else { panic!("{error}") };
    assert_eq!(part, "toy");
    assert!(source.to_string().contains("absent"), "{source}");
    let image = images::reference("toy", bad, &files).unwrap();
    assert!(!images::exists(stack.docker(), &image).unwrap());

    let unreadable = [BuildFile::path("gone", 0o755, stack.folder().join("gone"))];
    let error = images::ensure(stack.docker(), Role::Egress.as_str(), bad, &unreadable, || ());
    assert!(matches!(error, Err(ImageError::Read { .. })), "{error:?}");
}
