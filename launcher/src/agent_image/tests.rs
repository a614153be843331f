//! Against the engine: needs Docker, as every container test does.

mod built;

use super::*;
use crate::environment::Environment;

fn with_builder<T>(run: impl FnOnce(&Builder<'_>, &std::sync::Mutex<Vec<String>>) -> T) -> T {
    let docker = Docker::find().expect("Docker is needed: install docker.io");
    let cache = cache_folder(&Environment::of_process()).unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let tell = |text: &str| told.lock().unwrap().push(text.to_owned());
    run(&Builder { docker: &docker, cache: &cache, tell: &tell }, &told)
}

fn in_image(docker: &Docker, image: &ImageRef, command: &str) -> String {
    let run = ["run", "--rm", "--network", "none", "--cap-drop", "ALL", image.as_str()];
    docker.call(run).args(["sh", "-c", command]).text().unwrap()
}

#[test]
fn k6_the_standard_image_holds_the_pinned_claude_and_is_built_once() {
    with_builder(|builder, told| {
        let image = builder.ensure(&Image::Standard).unwrap();
        let pin = pins::claude().unwrap();
        let said = in_image(
            builder.docker,
            &image,
            "id -u; pwd; stat -c %u /workspace /home/agent; sha256sum /usr/local/bin/claude; \
             claude --version; for tool in git rg curl python3; do command -v $tool; done; \
             find / -xdev -type f -perm /6000 2>/dev/null || true",
        );
        let lines: Vec<_> = said.lines().collect();
        let digest = format!("{}  /usr/local/bin/claude", pin.binary_sha256);
        let version = format!("{} (Claude Code)", pin.version);
        let tools = ["/usr/bin/git", "/usr/bin/rg", "/usr/bin/curl", "/usr/bin/python3"];
        let mut expected = vec!["1000", "/workspace", "1000", "1000", &digest, &version];
        expected.extend(tools);
        assert_eq!(lines, expected);

        told.lock().unwrap().clear();
        assert_eq!(builder.ensure(&Image::Standard).unwrap(), image);
        assert!(told.lock().unwrap().is_empty());
    });
}

#[test]
fn roots_are_taken_out_of_an_image_that_never_ran() {
    with_builder(|builder, _| {
        let base = builder.ensure_base().unwrap();
        let roots = system_roots(builder.docker, builder.cache, &base).unwrap();
        assert!(roots.matches("BEGIN CERTIFICATE").count() > 50);
    });
}

#[test]
fn an_image_that_is_not_there_is_told_from_an_engine_that_is_not() {
    with_builder(|builder, _| {
        let absent = ImageRef::local("agent", "no-such-tag");
        assert!(!builder.exists(&absent).unwrap());
    });
    let docker = Docker::at("/nonexistent/docker");
    let builder = Builder { docker: &docker, cache: Path::new("/nonexistent"), tell: &|_| () };
    assert!(builder.exists(&ImageRef::local("agent", "x")).is_err());
}
