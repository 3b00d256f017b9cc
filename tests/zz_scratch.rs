use ftpspec::requirement::Catalogue;
use ftpspec::scenario::{Known, load};
#[test]
fn scratch() {
    let dir = std::env::var("DIR").unwrap();
    let mut files = vec![];
    fn walk(p: &std::path::Path, out: &mut Vec<(String, String)>) {
        for e in std::fs::read_dir(p).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                if !p.ends_with("requirements") {
                    walk(&p, out)
                }
            } else if p.extension().is_some_and(|x| x == "yaml") {
                out.push((p.display().to_string(), std::fs::read_to_string(&p).unwrap()));
            }
        }
    }
    walk(std::path::Path::new(&dir), &mut files);
    files.sort();
    let catalogue = Catalogue::embedded().unwrap();
    let text =
        std::fs::read_to_string(std::env::var("FAULTS").unwrap_or("src/mock/fault.rs".into())).unwrap();
    let faults: Vec<String> = text
        .lines()
        .filter_map(|l| {
            let l = l.trim();
            l.split_once(" = \"")
                .and_then(|(_, r)| r.strip_suffix("\","))
                .map(str::to_owned)
        })
        .collect();
    let faults: Vec<&str> = faults.iter().map(|s| s.as_str()).collect();
    let n = files.len();
    let start = std::time::Instant::now();
    let (s, e) = load(
        files,
        &Known {
            catalogue: &catalogue,
            faults: &faults,
            certificates: &["client", "client-expired"],
        },
    );
    println!(
        "{} files, {} loaded, {} problems in {:?}",
        n,
        s.len(),
        e.len(),
        start.elapsed()
    );
    for x in &e {
        println!(
            "{x}   [{}] {}",
            x.source.slice(x.span).lines().next().unwrap_or(""),
            x.help.as_deref().unwrap_or("")
        );
    }
    if std::env::var("DUMP").is_ok() {
        for x in s {
            println!("{x:#?}");
        }
    }
}
