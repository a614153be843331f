//! Images that a manifest asks for, built on a base of ours whose packages come from a folder in it:
//! no build needs a network.

use super::*;

/// A base that knows one repository, and what makes it: an empty package that says it is there.
const REPOSITORY: &str = r#"set -e
mkdir -p /repository/package/DEBIAN /repository/package/usr/bin
cd /repository
printf 'Package: bottle-test\nVersion: 1\nArchitecture: all\nMaintainer: none\nDescription: x\n' > package/DEBIAN/control
printf '#!/bin/sh\necho installed\n' > package/usr/bin/bottle-test
chmod 0755 package/usr/bin/bottle-test
dpkg-deb --build package bottle-test.deb
cat package/DEBIAN/control > Packages
printf 'Filename: ./bottle-test.deb\nSize: %s\nSHA256: %s\n' "$(stat -c %s bottle-test.deb)" "$(sha256sum bottle-test.deb | cut -d' ' -f1)" >> Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list
"#;

/// Images of one test, removed with it.
struct Made<'a> {
    docker: &'a Docker,
    images: Vec<ImageRef>,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for image in self.images.iter().rev() {
            // A test that failed may not have come so far.
            drop(self.docker.run(["image", "rm", "--force", image.as_str()]));
        }
    }
}

/// Builds by that file alone.
fn build(docker: &Docker, name: &ImageRef, dockerfile: String) {
    let call = docker.call(["build", "--quiet", "--network", "none", "--tag", name.as_str(), "-"]);
    call.input(dockerfile).run().unwrap();
}

fn script(text: &str) -> String {
    serde_json::json!(["/bin/sh", "-euc", text]).to_string()
}

#[test]
fn a_base_of_the_users_gets_packages_commands_and_the_agent_and_is_built_once() {
    with_builder(|builder, told| {
        let docker = builder.docker;
        let ours = builder.ensure_base().unwrap();
        let base = ImageRef::local("test-base", &std::process::id().to_string());
        build(docker, &base, format!("FROM {ours}\nUSER root\nRUN {}\n", script(REPOSITORY)));
        let image = Image::Layered {
            base: Some(base.clone()),
            apt: vec!["bottle-test".to_owned()],
            run: vec![
                "echo \"it's $(id -u)\" > /made".to_owned(),
                "cat /made >> /twice".to_owned(),
            ],
        };
        let made = Made { docker, images: vec![base, name_of(&image).unwrap()] };
        let name = builder.ensure(&image).unwrap();
        assert_eq!(name, made.images[1]);
        let said = in_image(
            docker,
            &name,
            "bottle-test; cat /made /twice; id -un; command -v claude; \
             find / -xdev -type f -perm /6000 2>/dev/null || true",
        );
        let expected = "installed\nit's 0\nit's 0\nagent\n/usr/local/bin/claude";
        assert_eq!(said, expected);

        told.lock().unwrap().clear();
        assert_eq!(builder.ensure(&image).unwrap(), name);
        assert!(told.lock().unwrap().is_empty());

        // A command that fails is told in its own words, and leaves no image.
        let run = vec!["echo of the command >&2; exit 7".to_owned()];
        let base = Some(made.images[0].clone());
        let bad = Image::Layered { base, apt: Vec::new(), run };
        let error = builder.ensure(&bad).unwrap_err();
        assert!(format!("{error:#}").contains("of the command"), "{error:#}");
        assert!(!builder.exists(&name_of(&bad).unwrap()).unwrap());
    });
}

#[test]
fn a_dockerfile_of_the_users_is_built_from_its_folder_and_anew_when_a_file_of_it_changes() {
    with_builder(|builder, _| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            compose_run::replace(&folder.path().join(name), text.as_bytes(), 0o644).unwrap();
        };
        let base = builder.ensure_base().unwrap();
        write(
            "Dockerfile",
            &format!("FROM {base}\nCOPY data /data\nRUN cat /data > /home/agent/run\n"),
        );
        write("data", "one\n");
        let image = Image::Dockerfile(folder.path().join("Dockerfile"));
        let mut made = Made { docker: builder.docker, images: Vec::new() };
        made.images.push(builder.ensure(&image).unwrap());
        assert_eq!(in_image(builder.docker, &made.images[0], "cat /home/agent/run"), "one");
        write("data", "two\n");
        made.images.push(builder.ensure(&image).unwrap());
        assert_ne!(made.images[0], made.images[1]);
        assert_eq!(in_image(builder.docker, &made.images[1], "cat /home/agent/run"), "two");
    });
}
