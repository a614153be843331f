//! What is cloned and pushed: made by `git fast-import` from a stream that a small Perl program
//! writes, so that thousands of commits take seconds.

/// A repository of some 50 000 objects: 5 000 commits, each with a new root, four folders and four
/// files.
pub(super) const LARGE: &str = r#"perl -e '
my $x = 88172645463325252;
sub word { $x ^= ($x << 13) & 0xffffffffffffffff; $x ^= $x >> 7; $x ^= ($x << 17) & 0xffffffffffffffff; return sprintf("%x", $x); }
for my $n (1 .. 5000) {
  print "commit refs/heads/main\ncommitter Bench <bench\@example.com> $n +0000\ndata 2\nc\n";
  for my $f (0 .. 3) {
    my $text = join("\n", map { "line " . word() } 1 .. 20);
    my $name = "folder" . ($f * 7 + $n % 7) . "/file" . ($n % 97);
    printf "M 100644 inline %s\ndata %d\n%s\n", $name, length($text), $text;
  }
}' | git fast-import --quiet"#;

/// A history of 1 000 commits of 20 000 bytes each, on a branch of that number, in text that compresses
/// as source does.
pub(super) fn history(number: usize) -> String {
    format!(
        r#"perl -e '
my $x = 1234567891234567 + {number} * 1000003;
sub word {{ $x ^= ($x << 13) & 0xffffffffffffffff; $x ^= $x >> 7; $x ^= ($x << 17) & 0xffffffffffffffff; return $x; }}
my @names = qw(let mut value result return match some none string vector index length total count push);
print "reset refs/heads/history{number}\nfrom refs/heads/main^0\n\n";
for my $n (1 .. 1000) {{
  print "commit refs/heads/history{number}\ncommitter Bench <bench\@example.com> $n +0000\ndata 2\nc\n";
  my $text = "";
  while (length($text) < 20000) {{
    $text .= join(" ", map {{ $names[word() % 15] }} 1 .. 8) . " " . sprintf("%x", word()) . "\n";
  }}
  printf "M 100644 inline dir%d/file%d\ndata %d\n%s\n", $n % 10, $n, length($text), $text;
}}' | git fast-import --quiet"#
    )
}

/// A program that writes a text of 1 000 000 bytes, another for each number.
pub(super) fn text(number: usize) -> String {
    format!(
        r#"perl -e 'for (1 .. 25000) {{ printf "let value%d = result(%08x);%6d\n", {number}, $_ * 7919, $_ }}'"#
    )
}
