//! `reach`: brings a session to a level and does only what is missing.
//!
//! RFC 4217 section 15 (a typical exchange), RFC 959 section 5.4 (login).

use super::problem::not_allowed;
use super::session::{Hope, Session};
use super::settings::Credentials;
use crate::scenario::model::{AccountRef, Connect, Level, Reach, TlsChoice};
use crate::trace::ActionProblem;
use crate::wire::ReplyClass;

impl Session {
    /// `reach`.
    pub(super) async fn reach(&mut self, reach: &Reach) -> Result<(), ActionProblem> {
        let level = reach.level.value;
        self.reach_connected(&reach.tls).await?;
        if level == Level::Connected {
            return Ok(());
        }
        if level != Level::AuthenticatedInClear {
            self.reach_protected(&reach.tls).await?;
        }
        if matches!(
            level,
            Level::AuthenticatedInClear | Level::Authenticated | Level::DataProtected
        ) {
            self.reach_login(reach.account).await?;
        }
        if level == Level::DataProtected {
            self.reach_private_data().await?;
        }
        Ok(())
    }

    /// An open control connection whose greeting has been taken.
    async fn reach_connected(&mut self, tls: &TlsChoice) -> Result<(), ActionProblem> {
        if self
            .control
            .as_ref()
            .is_none_or(|control| control.end().is_some())
        {
            self.connect(&Connect {
                implicit: None,
                from: None,
                tls: tls.clone(),
            })
            .await?;
        }
        while !self.control()?.progress.greeted {
            let received = self.await_reply(self.timeouts().greeting).await?;
            match received.class() {
                // 120: ready in some minutes; 220 follows.
                ReplyClass::Preliminary => self.control()?.progress.greeted = false,
                ReplyClass::Completion => {}
                _ => {
                    let hoped = "220 as greeting".to_owned();
                    return Err(ActionProblem::UnexpectedReply {
                        code: received.code(),
                        hoped,
                    });
                }
            }
        }
        Ok(())
    }

    async fn reach_protected(&mut self, tls: &TlsChoice) -> Result<(), ActionProblem> {
        if self.control()?.link.is_protected() {
            return Ok(());
        }
        self.exchange_hoping("AUTH TLS", "AUTH TLS", Hope::Code(234))
            .await?;
        self.start_tls_on_control(tls).await
    }

    async fn reach_login(&mut self, account: AccountRef) -> Result<(), ActionProblem> {
        let credentials = self.credentials(account)?;
        if self.control()?.progress.login.as_ref() == Some(&credentials.user) {
            return Ok(());
        }
        let mut received = self.exchange(&format!("USER {}", credentials.user)).await?;
        let mut asked = "USER";
        if received.code().value() == 331 {
            asked = "PASS";
            received = self
                .exchange(&format!("PASS {}", credentials.password.reveal()))
                .await?;
        }
        if received.code().value() == 332 {
            let account = credentials.account.as_ref();
            let account =
                account.ok_or_else(|| not_allowed("the target asks for ACCT, the profile has none"))?;
            asked = "ACCT";
            received = self.exchange(&format!("ACCT {}", account.reveal())).await?;
        }
        if received.class() == ReplyClass::Completion {
            return Ok(());
        }
        Err(ActionProblem::UnexpectedReply {
            code: received.code(),
            hoped: format!("2yz to {asked}"),
        })
    }

    async fn reach_private_data(&mut self) -> Result<(), ActionProblem> {
        let hope = Hope::Class(ReplyClass::Completion);
        if !self.control()?.progress.buffer_size {
            self.exchange_hoping("PBSZ 0", "PBSZ 0", hope).await?;
        }
        if !self.is_private() {
            self.exchange_hoping("PROT P", "PROT P", hope).await?;
        }
        Ok(())
    }

    fn credentials(&self, account: AccountRef) -> Result<Credentials, ActionProblem> {
        let (index, word) = match account {
            AccountRef::First => (0, "an"),
            AccountRef::Second => (1, "a second"),
        };
        let credentials = self.shared.settings.accounts.get(index).cloned();
        credentials.ok_or_else(|| not_allowed(format!("the profile does not have {word} account")))
    }
}
