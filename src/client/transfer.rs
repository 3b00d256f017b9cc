//! The composite transfers `store`, `retrieve`, `list` and `provide-file`: clean in every legal order of 150 and handshake.
//!
//! RFC 959 section 5.4, RFC 4217 sections 7 and 10. The ClientHello goes out as soon as the command has, while the control
//! connection is watched: servers that shake hands before 150 and servers that do so behind it both get what they
//! wait for, and a refusal ends the wait.

use std::time::Duration;

use tokio::time::Instant;

use super::control::Received;
use super::engine::FinalReply;
use super::session::{Hope, Session};
use crate::base::{Span, Spanned};
use crate::scenario::model::{
    CloseConnection, Content, DataPathChoice, List, OpenData, ProvideFile, Resume, Retrieve, Store,
    StoreCommand, TcpEnd, TlsChoice, TlsEnd, TransferChoice,
};
use crate::trace::{ActionProblem, EventKind};
use crate::transport::TcpClose;
use crate::wire::ReplyClass;

/// One transfer.
#[derive(Debug)]
pub(super) struct Transfer<'a> {
    /// The command line.
    pub(super) command: String,
    /// The argument of REST before it.
    pub(super) restart: Option<&'a str>,
    /// How the data connection comes about.
    pub(super) path: DataPathChoice,
    /// Which TLS session it offers.
    pub(super) resume: Resume,
    /// Which way the data goes.
    pub(super) body: Body<'a>,
    /// Whether the bytes must arrive as they are (TYPE I, unless a step chose a type).
    pub(super) is_binary: bool,
}

/// Which way the data of a transfer goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// To the target.
    Upload(&'a Content),
    /// From it.
    Download,
}

impl Session {
    /// `store`.
    pub(super) async fn store_file(
        &mut self,
        store: &Store,
        final_reply: FinalReply,
    ) -> Result<(), ActionProblem> {
        let verb = match store.command {
            StoreCommand::Stor => "STOR",
            StoreCommand::Appe => "APPE",
            StoreCommand::Stou => "STOU",
        };
        let command = match &store.path {
            Some(path) => format!("{verb} {}", path.value),
            None => verb.to_owned(),
        };
        let body = Body::Upload(&store.content);
        let mut transfer = self.plan(command, &store.transfer, body)?;
        transfer.restart = store.restart.as_ref().map(|restart| restart.value.as_str());
        self.transfer(&transfer, final_reply).await
    }

    /// `retrieve`.
    pub(super) async fn retrieve(
        &mut self,
        retrieve: &Retrieve,
        final_reply: FinalReply,
    ) -> Result<(), ActionProblem> {
        let command = format!("RETR {}", retrieve.path.value);
        let mut transfer = self.plan(command, &retrieve.transfer, Body::Download)?;
        transfer.restart = retrieve.restart.as_ref().map(|restart| restart.value.as_str());
        self.transfer(&transfer, final_reply).await
    }

    /// `list`.
    pub(super) async fn list(&mut self, list: &List, final_reply: FinalReply) -> Result<(), ActionProblem> {
        let command = list.command.value.clone();
        let mut transfer = self.plan(command, &list.transfer, Body::Download)?;
        transfer.is_binary = false;
        self.transfer(&transfer, final_reply).await
    }

    /// `provide-file`.
    pub(super) async fn provide_file(&mut self, provide: &ProvideFile) -> Result<(), ActionProblem> {
        let command = format!("STOR {}", provide.path.value);
        let transfer = self.plan(
            command,
            &TransferChoice::default(),
            Body::Upload(&provide.content),
        )?;
        self.transfer(&transfer, FinalReply::Take).await
    }

    /// A transfer with the common choices.
    pub(super) fn plan<'a>(
        &self,
        command: String,
        choice: &TransferChoice,
        body: Body<'a>,
    ) -> Result<Transfer<'a>, ActionProblem> {
        let path = match &choice.path {
            Some(path) => path.value.clone(),
            None => self.shared.settings.default_data_path.clone(),
        };
        let resume = choice
            .resume
            .as_ref()
            .map_or(Resume::Control, |resume| resume.value.clone());
        Ok(Transfer {
            command,
            restart: None,
            path,
            resume,
            body,
            is_binary: true,
        })
    }

    /// Carries out `transfer` and takes its replies: all of them, or all but the final one.
    pub(super) async fn transfer(
        &mut self,
        transfer: &Transfer<'_>,
        final_reply: FinalReply,
    ) -> Result<(), ActionProblem> {
        self.note_arrivals().await;
        self.open_control()?.skip_replies();
        if transfer.is_binary && self.control()?.progress.transfer_type.is_none() {
            self.exchange_hoping("TYPE I", "TYPE I", Hope::Class(ReplyClass::Completion))
                .await?;
        }
        self.open_data(&OpenData {
            path: transfer.path.clone(),
            from: None,
            only_command: false,
        })
        .await?;
        if let Some(offset) = transfer.restart {
            self.exchange_hoping(&format!("REST {offset}"), "REST", Hope::Code(350))
                .await?;
        }
        self.send_line(&transfer.command).await?;
        let outcome = self.carry_out(transfer).await;
        if matches!(transfer.body, Body::Download) {
            self.record_transfer();
        }
        let settled = self.settle(outcome, &transfer.command, final_reply).await;
        self.close_data_once(TcpClose::Fin);
        settled
    }

    /// From the command to the end of the data.
    async fn carry_out(&mut self, transfer: &Transfer<'_>) -> Result<(), ActionProblem> {
        if self.is_private() {
            let resume = Spanned::new(transfer.resume.clone(), Span::default());
            let choice = TlsChoice {
                resume: Some(resume),
                ..TlsChoice::default()
            };
            self.start_tls_on_data(&choice).await?;
            let order = if self.control()?.has_preliminary() {
                "after-150"
            } else {
                "before-150"
            };
            self.note("handshake-order", order);
        } else {
            self.connect_listener().await?;
        }
        self.take_preliminary().await?;
        match transfer.body {
            Body::Upload(content) => {
                self.write_content(content).await?;
                let end = CloseConnection {
                    tls: TlsEnd::CloseNotify,
                    tcp: TcpEnd::Fin,
                    drain: true,
                };
                self.close_data(&end).await
            }
            Body::Download => {
                self.read_pieces(u64::MAX).await?;
                self.answer_end().await;
                Ok(())
            }
        }
    }

    /// Waits for the preliminary reply and takes it. A negative one stays where it is; so does a completion reply that
    /// comes without a preliminary one.
    async fn take_preliminary(&mut self) -> Result<(), ActionProblem> {
        let within = self.timeouts().reply;
        let received = self.await_reply_untaken(within).await?;
        let (code, class) = (received.code(), received.class());
        if class.is_negative() {
            return Err(ActionProblem::RefusedByReply { code });
        }
        if class == ReplyClass::Preliminary {
            self.control()?.consume();
        }
        Ok(())
    }

    /// Makes one result of what happened on the data connection and of the final reply.
    async fn settle(
        &mut self,
        outcome: Result<(), ActionProblem>,
        command: &str,
        final_reply: FinalReply,
    ) -> Result<(), ActionProblem> {
        let within = match &outcome {
            Ok(()) | Err(ActionProblem::RefusedByReply { .. }) => self.timeouts().reply,
            Err(_) => self.timeouts().close,
        };
        match (outcome, final_reply) {
            (Ok(()), FinalReply::Leave) => Ok(()),
            (Err(problem), FinalReply::Leave) => {
                // The step looks at the reply itself: a negative one says all there is to say.
                let refused = self.await_final_untaken(within).await;
                if refused { Ok(()) } else { Err(problem) }
            }
            (outcome, FinalReply::Take) => {
                let last = loop {
                    match self.await_reply(within).await {
                        Ok(received) if received.class() == ReplyClass::Preliminary => {}
                        other => break other,
                    }
                };
                match (outcome, last) {
                    (Ok(()), Ok(received)) if received.class() == ReplyClass::Completion => Ok(()),
                    (Ok(()), Ok(received)) => Err(unexpected(&received, command)),
                    (Err(_), Ok(received)) if received.class().is_negative() => {
                        Err(unexpected(&received, command))
                    }
                    (Ok(()), Err(problem)) | (Err(problem), _) => Err(problem),
                }
            }
        }
    }

    /// Waits for the final reply and leaves it; whether it is negative.
    async fn await_final_untaken(&mut self, within: Duration) -> bool {
        let until = Instant::now() + within;
        loop {
            let Some(control) = self.control.as_mut() else {
                return false;
            };
            let preliminary = control
                .next_reply()
                .map(|received| received.class() == ReplyClass::Preliminary);
            match preliminary {
                Some(true) => {
                    control.consume();
                }
                Some(false) => return control.refusal().is_some(),
                None => {
                    let left = until.saturating_duration_since(Instant::now());
                    if self.await_reply_untaken(left).await.is_err() {
                        return false;
                    }
                }
            }
        }
    }

    /// Records a remark on the current data connection.
    fn note(&self, name: &str, value: &str) {
        let channel = self
            .data
            .as_ref()
            .map_or_else(|| self.control_channel(), |data| data.channel.clone());
        let event = EventKind::Noted {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.recorder().record(&channel, event);
    }
}

fn unexpected(received: &Received, command: &str) -> ActionProblem {
    let verb = command.split(' ').next().unwrap_or_default();
    ActionProblem::UnexpectedReply {
        code: received.code(),
        hoped: format!("2yz to {verb}"),
    }
}
