//! The prose and the examples of the reference. A test loads every example.

/// What stands before the tables.
pub(super) const INTRODUCTION: &str = r"# Scenarios

<!-- Made by `cargo test`: SNAPSHOTS=overwrite cargo test --test generated. Do not edit. -->

A scenario is a YAML file that checks one behaviour of an FTPS server. Its id is its path below `scenarios/` without
`.yaml`; folders and files are named in kebab-case. `ftpspec check FILE` reports all problems of a file at once,
`ftpspec explain ID` says in words what a scenario does, and `ftpspec schema` prints a JSON Schema for editors:

```text
# yaml-language-server: $schema=../../docs/schema/scenario.schema.json
```

A whole one:

```yaml
title: PROT is refused until PBSZ has been sent
why: >
  PROT switches the protection of every later data connection. RFC 4217 keeps the order of RFC 2228:
  security exchange, then PBSZ, then PROT.
severity: low
detects: [accepts-prot-without-pbsz]
requires: [auth-tls]

setup:
  - reach: authenticated

steps:
  - send: PROT P
    expect: { reply: 503, requirement: rfc4217.s9.pbsz-before-prot }
  - title: the same PROT is accepted once PBSZ 0 is done
    send: PBSZ 0
    expect: { reply: 200 }
  - send: PROT P
    expect: { reply: 200 }
```

* What is not under test is one word in `setup` (`reach: data-protected`); what is under test is spelled as on the wire, in
  wire order, in `steps`.
* A check with a `requirement` proves it or breaks it. A check without one is a precondition: when it does not hold, the
  case is inconclusive and nothing is said about the target. In `setup` a check may say `otherwise: not-applicable`, where
  a target may well be without what the check asks for and no capability says so.
* The level and the grade of a check are those of its requirement. `grade` can soften the grade, never sharpen it.
* Every scenario names in `detects` the faults of the embedded server that it catches; `ftpspec prove` shows that it passes
  without and fails with each of them. A check that cannot fail is no check.
* There are no conditions, loops, includes, anchors and aliases. A second shape is a second file, a second parameter a row
  of `matrix`.
* No key and no bare value may be a word that YAML 1.1 reads as a boolean (`on`, `off`, `yes`, `no`).

A scenario below `discover/` finds out what a target can do. It has a `capability`, and needs no `detects` and no
requirement; the target has the capability when all checks hold. Several files may ask for one capability, each in another
way; one that finds it is enough. Let only a lawful refusal break it: where a mistake is taken for a lack, the scenarios
that look for the mistake do not apply.

```yaml
title: MLSD is served
why: Listings for machines are checked only where they exist.
capability: mlsd

setup:
  - reach: data-protected

steps:
  - list: MLSD
    expect: { reply: 2yz }
```

A scenario below `properties/` tells a fact that no RFC judges, with the exchange that shows it. It lists in `values` what
the property can be; its steps have `yields` in place of `expect`. The first value whose checks all hold is the property's
and ends the case. Behind each value stand the words that bring the embedded server to have it: capabilities, habits
(`ftpspec list --habits`: lawful, but not the usual way) and faults; `ftpspec prove` shows that every value can come about.
With a `matrix`, the property has a value per cell:

```yaml
title: What REIN does
why: RFC 4217 section 13 ends TLS with it. Servers without it answer 502.
values:
  refused: [lacks-rein]
  ends-tls: []

setup:
  - reach: authenticated

steps:
  - send: REIN
    yields:
      refused: { reply: [4yz, 5yz] }
  - yields:
      ends-tls: { closed: close-notify, channel: control, within: 2s }
```

";

/// One example per verb: steps.
pub(super) const VERB_EXAMPLES: &[(&str, &str)] = &[
    (
        "reach",
        r"
- reach: data-protected
- { session: stranger, reach: { level: protected, account: second, versions: tls1.3, certificate: client } }",
    ),
    (
        "provide-file",
        r"- provide-file: { path: hello-$(run.id).bin, bytes: 4096, as: hello }",
    ),
    (
        "store",
        r"
- store: { path: $(path), bytes: 65536, data: passive }
  expect: { reply: [226, 250] }
- store: { path: $(path), text: more, command: APPE }",
    ),
    (
        "retrieve",
        r"
- retrieve: $(file.path)
  expect: { data: { sha256: $(file.sha256) } }
- retrieve: { path: $(file.path), restart: 1024, resume: never }
  expect: { data: { bytes: 3072 } }",
    ),
    (
        "list",
        r"
- list: LIST
- list: { command: NLST, path: sub, data: extended-active }",
    ),
    (
        "connect",
        r"
- session: late
  connect: {}
  expect: { reply: 220 }
- { session: other, connect: { implicit: true, alpn: [ftp], from: $(other.address) } }",
    ),
    (
        "send",
        r"
- send: MKD dir-$(run.id)
  expect: { reply: 257 }",
    ),
    (
        "send-raw",
        r#"
- send-raw: "NOOP\r\nNOOP\r\n"
- send-raw: { segments: ['NO', 'OP\r\n'], clear: true }"#,
    ),
    (
        "start-tls",
        r"
- send: AUTH TLS
  expect: { reply: 234 }
- start-tls: { channel: control, versions: [tls1.2, tls1.3], sni: none }
  expect: { tls: { handshake: full } }",
    ),
    (
        "stop-tls",
        r"
- send: CCC
  expect: { reply: 200 }
- stop-tls: control",
    ),
    (
        "probe-tls",
        r"
- probe-tls: { channel: control, version: tls1.0, suites: [cbc], fallback-scsv: true }
  expect: { tls: { handshake: refused, alert: [protocol_version, inappropriate_fallback] } }
- send: AUTH TLS
  expect: { reply: 234 }
- probe-tls: { version: tls1.2, suites: [cbc, ecdhe], offer: [grease, small-records], padding: 600 }
  expect: { tls: { handshake: server-hello, suite: ecdhe, shows: renegotiation-info, lacks: compression } }",
    ),
    (
        "send-record",
        r"
- send-record: key-update
- send: NOOP
  expect:
    - reply: 2yz
    - { tls: { shows: key-update }, channel: control }
- send-record: { channel: data, record: empty, count: 3 }",
    ),
    (
        "open-data",
        r"
- open-data: any-passive
- open-data: { path: passive, only-command: true }
  capture: { endpoint: reply.endpoint }",
    ),
    (
        "connect-data",
        r"
- open-data: { path: passive, only-command: true }
  capture: { where: reply.endpoint }
- { session: stranger, connect-data: { to: $(where), from: $(other.address) } }",
    ),
    (
        "read-data",
        r"
- read-data: until-close
- read-data: { bytes: 1000 }
- read-data: { during: 500ms }",
    ),
    (
        "write-data",
        r"
- write-data: { bytes: 65536, record-size: 1000 }
- write-data: { text: hello, corrupt: true }",
    ),
    (
        "close-data",
        r"
- close-data: {}
- close-data: { tls: silent, tcp: reset }
- close-data: { tls: 'alert:internal_error', tcp: fin, drain: true }",
    ),
    (
        "close-control",
        r"- close-control: { tls: half-record, tcp: fin }",
    ),
    ("wait", r"- wait: 2s"),
];

/// What `resume` can be; several verbs have it.
pub(super) const RESUME: &str = r"### `resume`

Which TLS session a handshake offers. `start-tls` on the control connection, `reach` and `connect` offer none unless told
so; handshakes on data connections offer `control`.

| value | session |
|---|---|
| `never` | none |
| `control` | the newest session of this control connection |
| `control-first` | the first session of this control connection, again and again |
| `data` | the newest session that a data connection received, the control connection's when there is none |
| `forged` | a session of the control connection with one bit of its ticket flipped |
| `{ session: NAME }` | the newest session of the control connection of the steps with `session: NAME` |

```yaml
- open-data: any-passive
- send: RETR $(file.path)
- start-tls: { channel: data, resume: { session: second } }
  expect: { tls: { handshake: [full, refused] } }
```

";

/// What a transfer step by step may rely on.
pub(super) const TRANSFERS: &str = r"### Transfers step by step

RFC 959 and RFC 4217 leave open when the replies around a transfer come: 125 or 150, before or after the TLS handshake on the
data connection; the final reply before or after the end of the data; both replies in one segment; a refusal in place of 150.
`ftpspec prove` runs every scenario that moves data against a server of each kind. Two rules make the steps accept them all:

* `start-tls` on a data connection sends its ClientHello at once and watches the control connection meanwhile. So the step
  that expects the preliminary reply is the one that starts TLS, or one behind it, never the one that sends the command. A
  transfer that is refused before it begins says nothing about TLS: its `tls` checks are not judged.
* A `reply` check that accepts no 1yz passes over the first preliminary reply of a transfer when nobody has taken it. So
  a final reply can be expected whether or not a 150 came before it.

```yaml
- open-data: any-passive
- send: STOR $(path)
- title: 150 and the handshake, in either order
  start-tls: { channel: data, resume: control }
  expect:
    - reply: [125, 150]
    - tls: { handshake: [full, resumed] }
- write-data: { bytes: 1000 }
- close-data: {}
- expect: { reply: [226, 250] }
```

";

/// One example per kind of check: steps.
pub(super) const CHECKS: &[(&str, &str)] = &[
    (
        "reply",
        r"
- send: PROT P
  expect: { reply: [200, 4yz, 5yz] }
- send: FEAT
  expect: { reply: { code: 211, text: PBSZ, protected: true, well-formed: true } }
- send: AUTH BOGUS
  expect: { reply: [5yz, closed], within: 10s }
- send: SYST
  expect:
    - reply: [{ code: 215, without: UNIX }, 5yz]
- send: SIZE $(file.path)
  expect: { reply: { code: 213, line: '[0123456789]' } }
- send: MDTM $(file.path)
  expect: { reply: { code: 213, line: '##############' } }",
    ),
    (
        "tls",
        r"
- open-data: any-passive
- send: LIST
- start-tls: { channel: data, resume: control }
  expect: { tls: { handshake: resumed, same-version: true, alpn: none, lacks: warning-alert } }
- session: other
  reach: protected
  expect: { tls: { certificate: [valid, names-server, strong] } }",
    ),
    (
        "data",
        r"
- retrieve: $(file.path)
  expect: { data: { bytes: $(file.bytes), sha256: $(file.sha256), protected: true } }",
    ),
    (
        "closed",
        r"
- open-data: any-passive
- send: RETR $(file.path)
- start-tls: { channel: data, resume: control }
- read-data: until-close
  expect: { closed: close-notify }
- send: QUIT
  expect: { reply: 221 }
- expect: { closed: [close-notify, fin], channel: control }",
    ),
    (
        "file",
        r"
- expect: { file: { path: $(path), exists: true, bytes: 4096 } }",
    ),
    (
        "order",
        r"
- retrieve: $(file.path)
  expect: { order: [handshake, data, close-notify, completion-reply] }",
    ),
    (
        "silence",
        r"
- wait: 300ms
- expect: { silence: true, within: 2s }
- expect: { silence: data, within: 500ms }",
    ),
    (
        "endpoint",
        r"
- send: PASV
  expect: { endpoint: own-address }",
    ),
    (
        "action",
        r"
- close-data: {}
  expect: { action: done }
- connect-data: 127.0.0.1:1
  expect: { action: failed }",
    ),
];

/// Forms of values.
pub(super) const VALUES: &str = r"## Values

* A reply pattern is a code (`503`), a class (`5yz`), `closed`, a mapping of the keys above, or a list of such, any of which
  may match. All `reply` checks of one step look at the same reply.
* A duration is a whole number with `ms`, `s` or `m`: `300ms`, `10s`.
* Contents of files are `bytes: N` (pseudo-random, the same for the same number and scenario) or `text: …`.
* A list of one may be written without brackets where the table says so.
* A `file` check stands in a step of its own, without a verb.
* The axis `tls` of `matrix` fixes the version of every connection; its values are `tls1.2` and `tls1.3`. The axis `data` is
  the data path of the high-level verbs and of `open-data: $(data)`. Every other axis sets the variable of its name. The axis
  `file-size` stands where a size can decide: what must come back byte for byte has 0, 1 and both sides of a TLS record,
  of 64 KiB and 1 MiB (`0, 1, 16383, 16384, 16385, 65535, 65537, 1048576`); what is about the end of a transfer has one
  size within a record, one at its boundary and one beyond all buffers; everything else has one size and no such axis.
  The axis `tls` stands where TLS 1.2 and 1.3 differ (sessions, tickets, closing), `data` where the way the connection
  comes about does:

```yaml
title: A resumed data connection is served
why: A resumed session shows that the peer on the data connection is the peer that logged in.
severity: high
detects: [serves-full-handshake-when-reuse-required]
requires: [session-reuse-required, upload]
matrix:
  tls: [tls1.2, tls1.3]
  data: [passive, extended-passive]
  size: [1, 65536]

setup:
  - reach: data-protected
  - provide-file: { path: reuse-$(run.id).bin, bytes: $(size), as: file }

steps:
  - open-data: $(data)
  - send: RETR $(file.path)
  - start-tls: { channel: data, resume: control }
    expect:
      - reply: [125, 150]
      - { tls: resumed, requirement: defacto.reuse.required-must-be-satisfiable }
  - read-data: until-close
    expect: { data: { sha256: $(file.sha256) }, closed: close-notify }
  - expect: { reply: [226, 250] }

cleanup:
  - send: DELE $(file.path)
```

";

/// The catalogue.
pub(super) const REQUIREMENTS: &str = r"## Requirements

`scenarios/requirements/*.yaml` is the catalogue, one file per document, in our own words. `practice.yaml` holds what no RFC
states in one sentence and `client.yaml` what binds clients.

| key | meaning |
|---|---|
| `id` | stable name: document, section, slug; a prefix such as `rfc4217.s9` selects |
| `document`, `section`, `see-also` | where it comes from; for practice, the context |
| `level` | what the text says: `must`, `must-not`, `should`, `should-not`, `may`, `security-practice`, `de-facto` |
| `grade` | what breaking it costs: `fail`, `warn`, `info` |
| `applies-to` | `server` or `client` |
| `area` | topic, the folder of the scenarios that check it |
| `priority` | 1 (first) to 4 (last) |
| `verified` | whether the cited text was read for the entry |
| `needs` | what a check needs, in words |
| `accepted-replies` | codes or classes that do not by themselves break it |
| `basis` | where practice comes from |
| `summary` | the requirement |
| `check` | how it can be checked: `steps`, `pass`, `fail`, `warn`, `not-applicable` |
| `fault` | how a mock breaks it |
| `notes` | what is known from the field |
| `waived` | why no scenario checks it, when that is decided |
| `partly-waived` | what of `check` no scenario does, and why, where the rest is covered |

";
