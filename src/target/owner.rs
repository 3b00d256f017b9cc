//! Who started something: a process of this boot, recognisable even when its number is given to another one later.
//!
//! What a crashed ftpspec left behind is found by it; what a running one uses is left alone.

use std::fmt;
use std::str::FromStr;

/// A process: its number, when it started, and the boot it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) pid: u32,
    /// In clock ticks since the boot.
    started: u64,
    boot: String,
}

impl Owner {
    /// This process.
    pub(super) fn myself() -> std::io::Result<Self> {
        let pid = std::process::id();
        Ok(Self {
            pid,
            started: started(pid)?,
            boot: boot()?,
        })
    }

    /// Whether the process still runs. On another machine, or after a boot, nobody can tell: none.
    pub(super) fn lives(&self) -> Option<bool> {
        if boot().ok()? != self.boot {
            return None;
        }
        Some(started(self.pid).is_ok_and(|started| started == self.started))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.pid, self.started, self.boot)
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected PID.START.BOOT, got `{text}`");
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or_else(wrong);
        Ok(Self {
            pid: next()?.parse().map_err(|_| wrong())?,
            started: next()?.parse().map_err(|_| wrong())?,
            boot: next()?.to_owned(),
        })
    }
}

/// When `pid` started; field 22 of its `stat`, counted behind the name in brackets, which may hold anything. A zombie has ended.
pub(super) fn started(pid: u32) -> std::io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let odd = || std::io::Error::other(format!("cannot read /proc/{pid}/stat"));
    let (_, fields) = text.rsplit_once(") ").ok_or_else(odd)?;
    if fields.starts_with('Z') || fields.starts_with('X') {
        return Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    }
    fields
        .split(' ')
        .nth(19)
        .and_then(|field| field.parse().ok())
        .ok_or_else(odd)
}

fn boot() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_back_and_known_to_live_until_it_ends() {
        let myself = Owner::myself().unwrap();
        assert_eq!(myself.to_string().parse(), Ok(myself.clone()));
        assert_eq!(myself.lives(), Some(true));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let other = Owner {
            pid: child.id(),
            started: started(child.id()).unwrap(),
            ..myself.clone()
        };
        assert_eq!(other.lives(), Some(true));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.lives(), Some(false));
        // The number of a process that started at another time.
        let reused = Owner {
            started: 1,
            ..myself.clone()
        };
        assert_eq!(reused.lives(), Some(false));
        let elsewhere = Owner {
            boot: "another".into(),
            ..myself
        };
        assert_eq!(elsewhere.lives(), None);
    }

    #[test]
    fn other_text_is_no_owner() {
        for text in ["", "1", "1.2", "x.2.y", "1.x.y"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
