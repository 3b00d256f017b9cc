//! Opening connections: the control connection, and data connections by PASV, EPSV, PORT and EPRT or by hand.
//!
//! RFC 959 sections 3.2 and 4.1.2, RFC 2428, RFC 4217 section 4 and appendix A (implicit TLS).

use std::net::{IpAddr, SocketAddr};

use super::control::Received;
use super::data::Data;
use super::problem::{closed, from_link, not_allowed, unusable};
use super::session::Session;
use super::wait::{Alongside, alongside};
use crate::scenario::model::{Connect, ConnectData, DataPathChoice, OpenData};
use crate::trace::{ActionProblem, DataPath, EventKind, Waited};
use crate::transport::{Link, Listener};
use crate::wire::ReplyClass;
use crate::wire::endpoint::{parse_227, parse_229, render_eprt, render_port};

impl Session {
    /// `connect`.
    pub(super) async fn connect(&mut self, connect: &Connect) -> Result<(), ActionProblem> {
        let from = self.source_address(connect.from.as_ref().map(|from| from.value.as_str()))?;
        let within = self.timeouts().connect;
        let address = self.shared.settings.address;
        let recorder = self.recorder().clone();
        let made = Link::connect(address, from, None, within, self.control_channel(), recorder).await;
        let link = made.map_err(|error| from_link(&error, Waited::Connection, within, self.recorder()))?;
        self.retire_data();
        self.set_control(link);
        if connect.implicit.unwrap_or(self.shared.settings.implicit) {
            self.start_tls_on_control(&connect.tls).await?;
        }
        Ok(())
    }

    /// `open-data`.
    pub(super) async fn open_data(&mut self, open: &OpenData) -> Result<(), ActionProblem> {
        let from = self.source_address(open.from.as_ref().map(|from| from.value.as_str()))?;
        let path = match &open.path {
            DataPathChoice::AnyPassive => None,
            DataPathChoice::Fixed(path) => Some(*path),
            DataPathChoice::Variable(text) if text.value.trim() == ANY_PASSIVE => None,
            DataPathChoice::Variable(text) => Some(path_by_name(&text.value).ok_or_else(|| {
                not_allowed(format!("`{}` is no way to open a data connection", text.value))
            })?),
        };
        match path {
            None => self.open_passive(None, from, open.only_command).await,
            Some(path @ (DataPath::Passive | DataPath::ExtendedPassive)) => {
                self.open_passive(Some(path), from, open.only_command).await
            }
            Some(path @ (DataPath::Active | DataPath::ExtendedActive)) => self.open_active(path, from).await,
        }
    }

    /// Asks for an endpoint by EPSV, and by PASV when the target turns out to have no EPSV. It is asked once per control
    /// connection. PASV names IPv4 endpoints only, so there is no second question over IPv6 (RFC 2428 section 1).
    async fn ask_for_endpoint(&mut self) -> Result<(DataPath, Received), ActionProblem> {
        let control = self.open_control()?;
        let has_pasv = control.link.peer_address().is_ipv4();
        if !(has_pasv && control.progress.lacks_epsv) {
            match self.exchange_for_data("EPSV").await {
                Err(ActionProblem::RefusedByReply { code })
                    if has_pasv && matches!(code.value(), 500 | 501 | 502 | 504 | 522) =>
                {
                    self.open_control()?.progress.lacks_epsv = true;
                }
                answered => return answered.map(|received| (DataPath::ExtendedPassive, received)),
            }
        }
        let received = self.exchange_for_data("PASV").await?;
        Ok((DataPath::Passive, received))
    }

    /// By `path`, or by what [`ask_for_endpoint`](Self::ask_for_endpoint) finds.
    async fn open_passive(
        &mut self,
        path: Option<DataPath>,
        from: Option<IpAddr>,
        only_command: bool,
    ) -> Result<(), ActionProblem> {
        let (path, received) = match path {
            None => self.ask_for_endpoint().await?,
            Some(path @ DataPath::Passive) => (path, self.exchange_for_data("PASV").await?),
            Some(path) => (path, self.exchange_for_data("EPSV").await?),
        };
        let peer = self.control()?.link.peer_address();
        let endpoint = endpoint_of(&received, peer);
        if only_command {
            return Ok(());
        }
        let endpoint = endpoint?;
        let from = match from {
            Some(from) => Some(from),
            None => Some(self.control()?.link.local_address().ip()),
        };
        self.allow_host(endpoint, peer)?;
        self.connect_to(endpoint, from, Some(path)).await
    }

    async fn open_active(&mut self, path: DataPath, from: Option<IpAddr>) -> Result<(), ActionProblem> {
        let control = self.open_control()?.link.local_address();
        let mut address = control;
        address.set_ip(from.unwrap_or(control.ip()));
        address.set_port(0);
        let listener = Listener::bind(address, None).map_err(|error| {
            from_link(
                &error,
                Waited::Connection,
                self.timeouts().connect,
                self.recorder(),
            )
        })?;
        let local = listener.local_address();
        let command = match (path, local) {
            (DataPath::Active, SocketAddr::V4(local)) => format!("PORT {}", render_port(local)),
            (DataPath::Active, SocketAddr::V6(_)) => {
                return Err(not_allowed("PORT cannot name an IPv6 address"));
            }
            _ => format!("EPRT {}", render_eprt(local)),
        };
        let channel = self.next_data_channel();
        self.recorder().record(
            &channel,
            EventKind::Listening {
                local: local.to_string(),
            },
        );
        self.set_data(Data::new(channel, Some(path)).with_listener(listener));
        let answered = self.exchange_for_data(&command).await;
        if answered.is_err() {
            self.retire_data();
        }
        answered.map(|_| ())
    }

    /// Sends `command` and takes its reply, which must be positive.
    async fn exchange_for_data(&mut self, command: &str) -> Result<Received, ActionProblem> {
        let received = self.exchange(command).await?;
        match received.class() {
            ReplyClass::Completion => Ok(received),
            ReplyClass::TransientNegative | ReplyClass::PermanentNegative => {
                Err(ActionProblem::RefusedByReply {
                    code: received.code(),
                })
            }
            _ => {
                let verb = command.split(' ').next().unwrap_or_default();
                Err(ActionProblem::UnexpectedReply {
                    code: received.code(),
                    hoped: format!("2yz to {verb}"),
                })
            }
        }
    }

    /// `connect-data`.
    pub(super) async fn connect_data(&mut self, connect: &ConnectData) -> Result<(), ActionProblem> {
        let text = connect.to.value.trim();
        let endpoint: SocketAddr = text
            .parse()
            .map_err(|_| not_allowed(format!("expected ADDRESS:PORT, got `{text}`")))?;
        let from = self.source_address(connect.from.as_ref().map(|from| from.value.as_str()))?;
        let target = self
            .control
            .as_ref()
            .map_or(self.shared.settings.address, |control| {
                control.link.peer_address()
            });
        self.allow_host(endpoint, target)?;
        self.connect_to(endpoint, from, None).await
    }

    /// Refuses to talk to another host than the target unless the profile allows it.
    fn allow_host(&self, endpoint: SocketAddr, target: SocketAddr) -> Result<(), ActionProblem> {
        if endpoint.ip() == target.ip() || self.shared.settings.follow_foreign_pasv {
            return Ok(());
        }
        let (named, own) = (endpoint.ip(), target.ip());
        Err(not_allowed(format!(
            "the data connection would go to {named}, the control connection goes to {own}"
        )))
    }

    /// Makes a TCP connection to `endpoint` the current data connection.
    async fn connect_to(
        &mut self,
        endpoint: SocketAddr,
        from: Option<IpAddr>,
        path: Option<DataPath>,
    ) -> Result<(), ActionProblem> {
        let within = self.timeouts().connect;
        let channel = self.next_data_channel();
        let recorder = self.recorder().clone();
        let connecting = Link::connect(endpoint, from, path, within, channel.clone(), recorder);
        let outcome = alongside(self.control.as_mut(), &self.store, connecting).await;
        match outcome {
            Alongside::Done(Ok(link)) => {
                self.set_data(Data::new(channel, path).with_link(link));
                Ok(())
            }
            Alongside::Done(Err(error)) => {
                self.retire_data();
                Err(from_link(&error, Waited::Connection, within, self.recorder()))
            }
            Alongside::Refused(code) => Err(ActionProblem::RefusedByReply { code }),
            Alongside::ControlEnded(why) => Err(closed(why)),
        }
    }

    /// The address that `from` names: an address, or `other` for a second one of this machine.
    fn source_address(&self, from: Option<&str>) -> Result<Option<IpAddr>, ActionProblem> {
        match from.map(str::trim) {
            None => Ok(None),
            Some("other") => match self.shared.settings.other_sources.first() {
                Some(address) => Ok(Some(*address)),
                None => Err(not_allowed("there is no second source address")),
            },
            Some(text) => match text.parse() {
                Ok(address) => Ok(Some(address)),
                Err(_) => Err(not_allowed(format!("expected a source address, got `{text}`"))),
            },
        }
    }
}

/// The word of [`DataPathChoice::AnyPassive`] in a variable.
const ANY_PASSIVE: &str = "any-passive";

/// The data path called `name`: `passive`, `extended-passive`, `active` or `extended-active`.
pub(super) fn path_by_name(name: &str) -> Option<DataPath> {
    match name.trim() {
        "passive" => Some(DataPath::Passive),
        "extended-passive" => Some(DataPath::ExtendedPassive),
        "active" => Some(DataPath::Active),
        "extended-active" => Some(DataPath::ExtendedActive),
        _ => None,
    }
}

/// The address that a 227 or 229 names; a 229 names a port of `peer`.
pub(super) fn endpoint_of(received: &Received, peer: SocketAddr) -> Result<SocketAddr, ActionProblem> {
    let text = received.reply.text();
    let unreadable =
        |error: crate::wire::EndpointError| unusable(format!("reply {}: {error}", received.code()));
    if received.code().value() == 229 {
        let mut endpoint = peer;
        endpoint.set_port(parse_229(&text).map_err(unreadable)?);
        Ok(endpoint)
    } else {
        parse_227(&text).map(SocketAddr::V4).map_err(unreadable)
    }
}
