//! `tls` checks of suites, signs, groups and certificates.

use super::*;
use crate::judge::Verdict;
use crate::scenario::model::{CertificateQuality, CheckKind, HandshakeOutcome, ProbeTls, TlsPattern};
use crate::trace::{
    CertificateAccount, CertificateFacts, HandshakeFacts, HandshakeKind, TicketFacts, TlsSign, TlsVersion,
};

fn probe() -> Option<Action> {
    Some(Action::ProbeTls(ProbeTls {
        channel: crate::scenario::model::ChannelRef::Data,
        ..ProbeTls::default()
    }))
}

fn hello(suite: &str, signs: &[TlsSign], dh_bits: Option<u32>) -> EventKind {
    EventKind::ProbeAnswered {
        answer: "server-hello".into(),
        version: Some("tls1.2".into()),
        suite: Some(suite.into()),
        alpn: None,
        alert: None,
        signs: signs.to_vec(),
        dh_bits,
    }
}

fn closed() -> EventKind {
    EventKind::ProbeAnswered {
        answer: "closed".into(),
        version: None,
        suite: None,
        alpn: None,
        alert: None,
        signs: Vec::new(),
        dh_bits: None,
    }
}

fn judge(pattern: TlsPattern, event: EventKind) -> Judgement {
    judge_one(
        probe(),
        vec![required("r.fail", CheckKind::Tls(pattern))],
        |trace| trace.data_connected().data(event),
    )
}

#[test]
fn a_suite_is_named_or_belongs_to_a_group() {
    let pattern = |suite: &str| TlsPattern {
        suite: vec![suite.into()],
        ..TlsPattern::default()
    };
    let gcm = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    assert_eq!(
        judge(pattern("ecdhe"), hello(gcm, &[], None)).verdict,
        Verdict::Pass
    );
    assert_eq!(judge(pattern(gcm), hello(gcm, &[], None)).verdict, Verdict::Pass);
    let judgement = judge(pattern("cbc"), hello(gcm, &[], None));
    assert_eq!(only(&judgement).observed, gcm);
    assert_eq!(judge(pattern("cbc"), closed()).verdict, Verdict::Inconclusive);
}

#[test]
fn a_sign_shows_or_lacks_and_nothing_is_said_without_a_hello() {
    let shows = || TlsPattern {
        shows: vec![TlsSign::RenegotiationInfo],
        ..TlsPattern::default()
    };
    let lacks = || TlsPattern {
        lacks: vec![TlsSign::RenegotiationInfo],
        ..TlsPattern::default()
    };
    let with = || hello("x", &[TlsSign::RenegotiationInfo], None);
    let without = || hello("x", &[TlsSign::ExtendedMasterSecret], None);
    assert_eq!(judge(shows(), with()).verdict, Verdict::Pass);
    assert_eq!(judge(shows(), without()).verdict, Verdict::Fail);
    assert_eq!(judge(lacks(), with()).verdict, Verdict::Fail);
    assert_eq!(judge(lacks(), without()).verdict, Verdict::Pass);
    assert_eq!(judge(shows(), closed()).verdict, Verdict::Inconclusive);
    assert_eq!(judge(lacks(), closed()).verdict, Verdict::Inconclusive);
    let refused_too = TlsPattern {
        handshake: vec![HandshakeOutcome::ServerHello, HandshakeOutcome::Refused],
        ..lacks()
    };
    assert_eq!(judge(refused_too, closed()).verdict, Verdict::Pass);
}

#[test]
fn a_ticket_that_allows_early_data_is_a_sign() {
    let ticket = |early_data| {
        EventKind::TicketReceived(TicketFacts {
            lifetime: None,
            early_data,
            bytes: None,
            count: 1,
        })
    };
    let lacks = || TlsPattern {
        lacks: vec![TlsSign::EarlyData],
        ..TlsPattern::default()
    };
    assert_eq!(judge(lacks(), ticket(Some(1))).verdict, Verdict::Fail);
    assert_eq!(judge(lacks(), ticket(Some(0))).verdict, Verdict::Pass);
    assert_eq!(judge(lacks(), ticket(None)).verdict, Verdict::Pass);
}

#[test]
fn a_group_is_measured_where_there_is_one() {
    let pattern = || TlsPattern {
        dh_bits: Some(2048),
        ..TlsPattern::default()
    };
    assert_eq!(
        judge(pattern(), hello("x", &[], Some(2048))).verdict,
        Verdict::Pass
    );
    let judgement = judge(pattern(), hello("x", &[], Some(2047)));
    assert_eq!(only(&judgement).observed, "2047 bits");
    assert_eq!(
        judge(pattern(), hello("x", &[], None)).verdict,
        Verdict::Inconclusive
    );
}

fn shown(change: impl FnOnce(&mut HandshakeFacts, &mut CertificateAccount)) -> EventKind {
    let mut facts = handshake(HandshakeKind::Full, TlsVersion::Tls13);
    facts.chain.push(CertificateFacts {
        sha256: "aa".into(),
        subject: "s".into(),
        issuer: "i".into(),
        names: vec!["other.example".into()],
        not_before: String::new(),
        not_after: String::new(),
        key: "ed25519".into(),
    });
    let mut account = CertificateAccount {
        is_checked: true,
        names_server: Some(true),
        ..CertificateAccount::default()
    };
    change(&mut facts, &mut account);
    facts.certificate = Some(account);
    EventKind::HandshakeFinished(facts)
}

fn judged(quality: CertificateQuality, event: EventKind) -> Judgement {
    let pattern = TlsPattern {
        certificate: vec![quality],
        ..TlsPattern::default()
    };
    judge(pattern, event)
}

#[test]
fn each_quality_of_a_certificate_has_its_own_problem() {
    for quality in [
        CertificateQuality::NamesServer,
        CertificateQuality::Strong,
        CertificateQuality::Valid,
    ] {
        assert_eq!(judged(quality, shown(|_, _| {})).verdict, Verdict::Pass);
        let resumed = EventKind::HandshakeFinished(handshake(HandshakeKind::Resumed, TlsVersion::Tls13));
        assert_eq!(judged(quality, resumed).verdict, Verdict::Inconclusive);
    }
    let nameless = shown(|_, account| account.names_server = Some(false));
    let judgement = judged(CertificateQuality::NamesServer, nameless);
    assert_eq!(
        only(&judgement).observed,
        "its alternative names are other.example"
    );
    let weak = shown(|_, account| account.weakness = Some("weak".into()));
    assert_eq!(only(&judged(CertificateQuality::Strong, weak)).observed, "weak");
    let unknown = shown(|facts, _| facts.certificate_problem = Some("unknown issuer".into()));
    assert_eq!(
        only(&judged(CertificateQuality::Valid, unknown)).observed,
        "unknown issuer"
    );
    for quality in [CertificateQuality::Valid, CertificateQuality::InDate] {
        let expired = shown(|_, account| account.date_problem = Some("expired".into()));
        assert_eq!(only(&judged(quality, expired)).observed, "expired");
    }
}

#[test]
fn an_issuer_is_known_when_an_authority_was_asked_and_vouches() {
    let known = |problem: Option<&str>, is_checked: bool| {
        let seen = shown(|facts, account| {
            facts.certificate_problem = problem.map(str::to_owned);
            account.is_checked = is_checked;
        });
        judged(CertificateQuality::KnownIssuer, seen).verdict
    };
    assert_eq!(known(None, true), Verdict::Pass);
    assert_eq!(known(Some("certificate expired"), true), Verdict::Pass);
    assert_eq!(known(Some("unknown issuer"), true), Verdict::Fail);
    assert_eq!(known(None, false), Verdict::Fail);
}
