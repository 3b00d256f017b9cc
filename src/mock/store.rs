//! The files of the embedded server: one tree per account, in memory.
//!
//! A file is replaced as a whole or not at all, so that nobody ever sees half of an upload. Knows no FTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::path::StorePath;
use crate::base::Clock;

/// How many files and directories there may be, all accounts together.
const NODE_LIMIT: u64 = 100_000;

/// Why the store refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct StoreError {
    /// What is wrong.
    pub kind: StoreErrorKind,
}

/// What is wrong with a request to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreErrorKind {
    /// A name that the store does not take.
    #[error("file name not allowed")]
    BadName,
    /// There is something of that name.
    #[error("already exists")]
    Exists,
    /// A file was wanted.
    #[error("is a directory")]
    IsDirectory,
    /// A directory was wanted.
    #[error("is not a directory")]
    NotDirectory,
    /// The directory is not empty.
    #[error("directory not empty")]
    NotEmpty,
    /// Nothing of that name.
    #[error("no such file or directory")]
    NotFound,
    /// The quota is used up.
    #[error("no space left")]
    Quota,
    /// Not possible with the home itself.
    #[error("not possible with the home")]
    Root,
}

impl From<StoreErrorKind> for StoreError {
    fn from(kind: StoreErrorKind) -> Self {
        Self { kind }
    }
}

/// A file or directory, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; empty for the home.
    pub name: Vec<u8>,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Bytes of content; 0 for directories.
    pub bytes: u64,
    /// Last change, seconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Stays the same over renames, and no other node has it.
    pub id: u64,
}

#[derive(Debug)]
struct Node {
    id: u64,
    modified: i64,
    kind: NodeKind,
}

#[derive(Debug)]
enum NodeKind {
    Directory(BTreeMap<Vec<u8>, Node>),
    File(Arc<[u8]>),
}

#[derive(Debug)]
struct Inner {
    homes: BTreeMap<String, Node>,
    quota: Option<u64>,
    used: u64,
    nodes: u64,
    next_id: u64,
}

/// The trees of all accounts. Clones share them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({} bytes)", self.used())
    }
}

impl Store {
    /// Empty homes for `users`; `quota` limits all contents together.
    #[must_use]
    pub fn new<'a>(
        users: impl IntoIterator<Item = &'a str>,
        quota: Option<u64>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let store = Self {
            inner: Arc::new(Mutex::new(Inner {
                homes: BTreeMap::new(),
                quota,
                used: 0,
                nodes: 0,
                next_id: 1,
            })),
            clock,
        };
        let now = store.now();
        let mut inner = store.lock();
        for user in users {
            let home = inner.node(NodeKind::Directory(BTreeMap::new()), now);
            inner.homes.insert(user.to_owned(), home);
        }
        drop(inner);
        store
    }

    /// Writes a file of `user`, for tests; directories on the way are made.
    ///
    /// # Errors
    ///
    /// As [`Self::write`] and [`Self::make_directory`].
    pub fn put(&self, user: &str, path: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = StorePath::root().resolve(path.as_bytes())?;
        let mut directory = StorePath::root();
        for name in path.parent().names() {
            directory = directory.child(name);
            match self.make_directory(user, &directory) {
                Ok(())
                | Err(StoreError {
                    kind: StoreErrorKind::Exists,
                }) => {}
                Err(error) => return Err(error),
            }
        }
        self.write(user, &path, content.to_vec())
    }

    /// The content of a file of `user`, for tests; none when there is no such file.
    #[must_use]
    pub fn get(&self, user: &str, path: &str) -> Option<Arc<[u8]>> {
        let path = StorePath::root().resolve(path.as_bytes()).ok()?;
        self.read(user, &path).ok()
    }

    /// The entry at `path`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`].
    pub fn entry(&self, user: &str, path: &StorePath) -> Result<Entry, StoreError> {
        let inner = self.lock();
        let node = inner.find(user, path)?;
        Ok(entry_of(path.name().unwrap_or_default(), node))
    }

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] and [`StoreErrorKind::IsDirectory`].
    pub fn read(&self, user: &str, path: &StorePath) -> Result<Arc<[u8]>, StoreError> {
        match &self.lock().find(user, path)?.kind {
            NodeKind::Directory(_) => Err(StoreErrorKind::IsDirectory.into()),
            NodeKind::File(content) => Ok(Arc::clone(content)),
        }
    }

    /// The entries of a directory, by name.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] and [`StoreErrorKind::NotDirectory`].
    pub fn list(&self, user: &str, path: &StorePath) -> Result<Vec<Entry>, StoreError> {
        match &self.lock().find(user, path)?.kind {
            NodeKind::File(_) => Err(StoreErrorKind::NotDirectory.into()),
            NodeKind::Directory(entries) => {
                Ok(entries.iter().map(|(name, node)| entry_of(name, node)).collect())
            }
        }
    }

    /// Whether a file could be written at `path` now, content aside.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::IsDirectory`], and for the directory around it [`StoreErrorKind::NotFound`] and
    /// [`StoreErrorKind::NotDirectory`].
    pub fn may_write(&self, user: &str, path: &StorePath) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let Some(name) = path.name() else {
            return Err(StoreErrorKind::IsDirectory.into());
        };
        match inner.directory(user, &path.parent())?.get(name) {
            Some(Node {
                kind: NodeKind::Directory(_),
                ..
            }) => Err(StoreErrorKind::IsDirectory.into()),
            _ => Ok(()),
        }
    }

    /// Writes a whole file, in place of the one that is there.
    ///
    /// # Errors
    ///
    /// As [`Self::may_write`], and [`StoreErrorKind::Quota`].
    pub fn write(&self, user: &str, path: &StorePath, content: Vec<u8>) -> Result<(), StoreError> {
        self.may_write(user, path)?;
        let now = self.now();
        let mut inner = self.lock();
        let old = match inner.find(user, path) {
            Ok(Node {
                kind: NodeKind::File(old),
                ..
            }) => Some(length(old)),
            _ => None,
        };
        let used = inner.used - old.unwrap_or(0) + length(&content);
        if inner.quota.is_some_and(|quota| used > quota) {
            return Err(StoreErrorKind::Quota.into());
        }
        let kind = NodeKind::File(content.into());
        let Some(name) = path.name() else {
            return Err(StoreErrorKind::IsDirectory.into());
        };
        if old.is_some() {
            let entries = inner.directory(user, &path.parent())?;
            if let Some(node) = entries.get_mut(name) {
                node.kind = kind;
                node.modified = now;
            }
        } else {
            inner.insert(user, path, kind, now)?;
        }
        inner.used = used;
        Ok(())
    }

    /// Makes a directory.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Exists`], [`StoreErrorKind::NotFound`], [`StoreErrorKind::NotDirectory`],
    /// [`StoreErrorKind::Quota`] when there are too many files.
    pub fn make_directory(&self, user: &str, path: &StorePath) -> Result<(), StoreError> {
        let now = self.now();
        let mut inner = self.lock();
        if inner.find(user, path).is_ok() {
            return Err(StoreErrorKind::Exists.into());
        }
        inner.insert(user, path, NodeKind::Directory(BTreeMap::new()), now)
    }

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] and [`StoreErrorKind::IsDirectory`].
    pub fn remove_file(&self, user: &str, path: &StorePath) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let bytes = match &inner.find(user, path)?.kind {
            NodeKind::Directory(_) => return Err(StoreErrorKind::IsDirectory.into()),
            NodeKind::File(content) => length(content),
        };
        inner.take(user, path)?;
        inner.used -= bytes;
        inner.nodes -= 1;
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`], [`StoreErrorKind::NotDirectory`], [`StoreErrorKind::NotEmpty`],
    /// [`StoreErrorKind::Root`].
    pub fn remove_directory(&self, user: &str, path: &StorePath) -> Result<(), StoreError> {
        let mut inner = self.lock();
        match &inner.find(user, path)?.kind {
            NodeKind::File(_) => return Err(StoreErrorKind::NotDirectory.into()),
            NodeKind::Directory(entries) if !entries.is_empty() => {
                return Err(StoreErrorKind::NotEmpty.into());
            }
            NodeKind::Directory(_) => {}
        }
        inner.take(user, path)?;
        inner.nodes -= 1;
        Ok(())
    }

    /// Gives a file or directory another path. Nothing is replaced.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`], [`StoreErrorKind::Exists`], [`StoreErrorKind::NotDirectory`],
    /// [`StoreErrorKind::BadName`] when a directory would move into itself, [`StoreErrorKind::Root`].
    pub fn rename(&self, user: &str, from: &StorePath, to: &StorePath) -> Result<(), StoreError> {
        let mut inner = self.lock();
        inner.find(user, from)?;
        if from == to {
            return Ok(());
        }
        if from.contains(to) {
            return Err(StoreErrorKind::BadName.into());
        }
        if inner.find(user, to).is_ok() {
            return Err(StoreErrorKind::Exists.into());
        }
        let Some(name) = to.name() else {
            return Err(StoreErrorKind::Root.into());
        };
        inner.directory(user, &to.parent())?;
        let node = inner.take(user, from)?;
        inner.directory(user, &to.parent())?.insert(name.to_vec(), node);
        Ok(())
    }

    /// Sets the last change of a file or directory, in seconds since 1970-01-01 UTC; whether it is there.
    pub(super) fn set_modified(&self, user: &str, path: &StorePath, modified: i64) -> bool {
        let mut inner = self.lock();
        let (Some(name), Ok(mut node)) = (path.name(), inner.take(user, path)) else {
            return false;
        };
        node.modified = modified;
        inner
            .directory(user, &path.parent())
            .map(|entries| entries.insert(name.to_vec(), node))
            .is_ok()
    }

    /// Bytes of content, all accounts together.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.lock().used
    }

    /// How many bytes still fit; none without quota.
    #[must_use]
    pub fn room(&self) -> Option<u64> {
        let inner = self.lock();
        inner.quota.map(|quota| quota.saturating_sub(inner.used))
    }

    /// The time, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now(&self) -> i64 {
        i64::try_from(self.clock.wall().as_secs()).unwrap_or(i64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made at its end in one go; a panicking holder leaves a tree that is whole.
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn node(&mut self, kind: NodeKind, modified: i64) -> Node {
        let id = self.next_id;
        self.next_id += 1;
        self.nodes += 1;
        Node { id, modified, kind }
    }

    fn find(&self, user: &str, path: &StorePath) -> Result<&Node, StoreError> {
        let mut node = self.homes.get(user).ok_or(StoreErrorKind::NotFound)?;
        for name in path.names() {
            let NodeKind::Directory(entries) = &node.kind else {
                return Err(StoreErrorKind::NotFound.into());
            };
            node = entries.get(name).ok_or(StoreErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn directory(
        &mut self,
        user: &str,
        path: &StorePath,
    ) -> Result<&mut BTreeMap<Vec<u8>, Node>, StoreError> {
        let mut node = self.homes.get_mut(user).ok_or(StoreErrorKind::NotFound)?;
        for name in path.names() {
            let NodeKind::Directory(entries) = &mut node.kind else {
                return Err(StoreErrorKind::NotDirectory.into());
            };
            node = entries.get_mut(name).ok_or(StoreErrorKind::NotFound)?;
        }
        match &mut node.kind {
            NodeKind::Directory(entries) => Ok(entries),
            NodeKind::File(_) => Err(StoreErrorKind::NotDirectory.into()),
        }
    }

    fn insert(&mut self, user: &str, path: &StorePath, kind: NodeKind, now: i64) -> Result<(), StoreError> {
        let Some(name) = path.name() else {
            return Err(StoreErrorKind::Root.into());
        };
        self.directory(user, &path.parent())?;
        if self.nodes >= NODE_LIMIT {
            return Err(StoreErrorKind::Quota.into());
        }
        let node = self.node(kind, now);
        self.directory(user, &path.parent())?.insert(name.to_vec(), node);
        Ok(())
    }

    fn take(&mut self, user: &str, path: &StorePath) -> Result<Node, StoreError> {
        let Some(name) = path.name() else {
            return Err(StoreErrorKind::Root.into());
        };
        self.directory(user, &path.parent())?
            .remove(name)
            .ok_or_else(|| StoreErrorKind::NotFound.into())
    }
}

fn entry_of(name: &[u8], node: &Node) -> Entry {
    let (is_directory, bytes) = match &node.kind {
        NodeKind::Directory(_) => (true, 0),
        NodeKind::File(content) => (false, length(content)),
    };
    Entry {
        name: name.to_vec(),
        is_directory,
        bytes,
        modified: node.modified,
        id: node.id,
    }
}

fn length(content: &[u8]) -> u64 {
    u64::try_from(content.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;

    fn store(quota: Option<u64>) -> Store {
        Store::new(["alice", "bob"], quota, Arc::new(SystemClock::new()))
    }

    fn path(text: &str) -> StorePath {
        StorePath::root().resolve(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_id() {
        let store = store(None);
        store.put("alice", "a/b.bin", b"long content").unwrap();
        let before = store.entry("alice", &path("a/b.bin")).unwrap();
        store.put("alice", "/a/b.bin", b"short").unwrap();
        let after = store.entry("alice", &path("a/b.bin")).unwrap();
        assert_eq!(store.get("alice", "a/b.bin").unwrap().as_ref(), b"short");
        assert_eq!((after.id, after.bytes), (before.id, 5));
        assert_eq!(store.used(), 5);
    }

    #[test]
    fn one_account_does_not_see_the_files_of_another() {
        let store = store(None);
        store.put("alice", "secret", b"x").unwrap();
        assert_eq!(store.get("bob", "secret"), None);
        assert_eq!(store.get("bob", "../alice/secret"), None);
    }

    #[test]
    fn the_quota_counts_all_accounts_and_what_is_replaced_is_given_back() {
        let store = store(Some(10));
        store.put("alice", "a", &[0; 6]).unwrap();
        assert_eq!(
            store.put("bob", "b", &[0; 5]).unwrap_err().kind,
            StoreErrorKind::Quota
        );
        assert_eq!(store.get("bob", "b"), None);
        store.put("alice", "a", &[0; 10]).unwrap();
        assert_eq!(store.room(), Some(0));
        store.remove_file("alice", &path("a")).unwrap();
        assert_eq!(store.room(), Some(10));
    }

    #[test]
    fn renaming_moves_a_tree_but_replaces_nothing() {
        let store = store(None);
        store.put("alice", "d/f", b"x").unwrap();
        store.put("alice", "g", b"y").unwrap();
        let id = store.entry("alice", &path("d/f")).unwrap().id;
        store.rename("alice", &path("d"), &path("e")).unwrap();
        assert_eq!(store.entry("alice", &path("e/f")).unwrap().id, id);
        let kind = |from, to| store.rename("alice", &path(from), &path(to)).unwrap_err().kind;
        assert_eq!(kind("e/f", "g"), StoreErrorKind::Exists);
        assert_eq!(kind("e", "e/f/x"), StoreErrorKind::BadName);
        assert_eq!(kind("missing", "z"), StoreErrorKind::NotFound);
        assert_eq!(kind("g", "nowhere/z"), StoreErrorKind::NotFound);
        assert_eq!(store.get("alice", "g").unwrap().as_ref(), b"y");
    }

    #[test]
    fn wrong_kinds_are_told_apart() {
        let store = store(None);
        store.put("alice", "d/f", b"x").unwrap();
        let kind = |result: Result<(), StoreError>| result.unwrap_err().kind;
        assert_eq!(
            kind(store.remove_directory("alice", &path("d"))),
            StoreErrorKind::NotEmpty
        );
        assert_eq!(
            kind(store.remove_directory("alice", &path("d/f"))),
            StoreErrorKind::NotDirectory
        );
        assert_eq!(
            kind(store.remove_file("alice", &path("d"))),
            StoreErrorKind::IsDirectory
        );
        assert_eq!(
            kind(store.may_write("alice", &path("d"))),
            StoreErrorKind::IsDirectory
        );
        assert_eq!(
            kind(store.may_write("alice", &path("x/y"))),
            StoreErrorKind::NotFound
        );
        assert_eq!(
            kind(store.may_write("alice", &path("d/f/y"))),
            StoreErrorKind::NotDirectory
        );
        assert_eq!(
            kind(store.make_directory("alice", &path("d"))),
            StoreErrorKind::Exists
        );
        assert_eq!(
            kind(store.remove_directory("alice", &path("/"))),
            StoreErrorKind::NotEmpty
        );
        assert_eq!(
            kind(store.remove_directory("bob", &path("/"))),
            StoreErrorKind::Root
        );
        assert!(store.entry("alice", &path("d/f")).is_ok());
    }

    #[test]
    fn listings_are_sorted_by_name() {
        let store = store(None);
        for name in ["b", "a", "c d"] {
            store.put("alice", name, b"").unwrap();
        }
        let names: Vec<Vec<u8>> = store
            .list("alice", &StorePath::root())
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, [b"a".to_vec(), b"b".to_vec(), b"c d".to_vec()]);
        assert!(store.list("alice", &path("a")).is_err());
    }
}
