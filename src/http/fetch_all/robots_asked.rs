//! How a host is asked for its robots.txt (RFC 9309, section 2.3).

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::recipe::Recipe;
use crate::error::{Error, Result};
use crate::http::exchange::{Exchange, Travel};
use crate::http::live::Live;
use crate::http::plan::Plan;
use crate::http::request::Outgoing;
use crate::http::robots::{Rules, product_token};
use crate::http::upload::Payload;

/// Redirects are followed at least so often: section 2.3.1.2.
const REDIRECTS: usize = 5;

/// So much is read at most, in bytes: section 2.5.
const MOST: usize = 500 * 1024;

/// What is asked, and as whom.
#[derive(Debug)]
pub struct Asking {
    agent: Box<str>,
    headers: HeaderMap,
    plan: Arc<Plan>,
}

/// What a host permits.
#[derive(Debug, Clone)]
pub struct Permission {
    pub rules: Arc<Rules>,
    /// What the user is told of what it forbids.
    pub why: Arc<str>,
}

impl Permission {
    /// The file cannot be read, and why.
    pub fn nothing(why: String) -> Self {
        Self {
            rules: Arc::new(Rules::disallow_all()),
            why: format!("its robots.txt cannot be read: {why}").into(),
        }
    }
}

impl Asking {
    /// `agent`: the product token that rules are looked up for; None: that of the User-Agent that is sent. `all`:
    /// the headers of every request of the client. What a call says of all its requests, retries too, is for this one as
    /// well: else a moment's trouble would forbid all of a host.
    pub fn new(agent: Option<&str>, all: &HeaderMap, recipe: &Recipe) -> Self {
        let own = recipe.headers();
        let sent = own.get(USER_AGENT).or_else(|| all.get(USER_AGENT));
        // The client's goes with every request by itself.
        let mut headers = HeaderMap::new();
        if let Some(own) = own.get(USER_AGENT) {
            headers.insert(USER_AGENT, own.clone());
        }
        let sent = sent.and_then(|value| value.to_str().ok()).and_then(product_token);
        let mut plan = Plan::clone(recipe.plan());
        plan.redirects = Some(REDIRECTS);
        plan.auth = None;
        plan.retries = recipe.retries().cloned();
        plan.most_body = None;
        Self {
            agent: agent.or(sent).unwrap_or("*").into(),
            headers,
            plan: Arc::new(plan),
        }
    }

    /// What the host of `origin` permits. 4xx: everything (section 2.3.1.3). No answer, 5xx, and 429, which is
    /// a server that has too much to do: nothing (section 2.3.1.4).
    pub async fn ask(&self, live: &Arc<Live>, origin: &str) -> Permission {
        let forbids: Arc<str> = "its robots.txt forbids it".into();
        match self.read(live, origin).await {
            Ok((status, _)) if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                Permission::nothing(format!("status {}", status.as_u16()))
            }
            Ok((status, file)) if status.is_success() => Permission {
                rules: Arc::new(Rules::parse(&file, &self.agent)),
                why: forbids,
            },
            Ok(_) => Permission {
                rules: Arc::new(Rules::allow_all()),
                why: forbids,
            },
            Err(error) => Permission::nothing(error.message().to_string()),
        }
    }

    async fn read(&self, live: &Arc<Live>, origin: &str) -> Result<(StatusCode, Vec<u8>)> {
        let url = Url::parse(&format!("{origin}/robots.txt"))
            .map_err(|error| Error::value(format!("{origin}/robots.txt is no URL: {error}")))?;
        let exchange = Exchange {
            live: Arc::clone(live),
            outgoing: Outgoing {
                method: Method::GET,
                url,
                target: None,
                headers: self.headers.clone(),
                body: Payload::Nothing,
            },
            plan: Arc::clone(&self.plan),
        };
        let (parts, mut reader) = Travel::begin(exchange).until_the_head().await?;
        let mut file = Vec::new();
        while file.len() < MOST
            && let Some(piece) = reader.next().await?
        {
            file.extend_from_slice(&piece);
        }
        Ok((parts.status, file))
    }
}
