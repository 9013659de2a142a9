//! Opening a connection: name, TCP, proxy, TLS.
//!
//! Everything happens in the caller's future: dropping it stops it, wherever it is.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls_pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::dns::{Resolver, interleave};
use super::proxy::{Proxy, Refused, Speaks};
use super::route::Route;
use super::stream::{Ends, Stream};
use super::trace::{Tracing, note, note_with};

/// How long one address may take before the next is tried as well: RFC 8305, section 8.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// TCP asks an idle peer after so long whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How a client opens connections.
#[derive(Debug)]
pub struct Dialer {
    pub resolver: Resolver,
    /// Where connections come from; the port 0 is any.
    pub local: Option<SocketAddr>,
}

/// A connection that was opened.
#[derive(Debug)]
pub struct Dialed {
    pub stream: Stream,
    pub ends: Ends,
    /// The server has chosen HTTP/2 in the handshake.
    pub speaks_h2: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Failure {
    Resolve {
        host: String,
        error: Arc<io::Error>,
    },
    Connect {
        to: String,
        error: io::Error,
    },
    /// In the handshake, which may also break below TLS.
    Tls {
        to: String,
        error: io::Error,
    },
    Proxy {
        proxy: String,
        refused: Refused,
    },
    /// The proxy cannot be reached, or not spoken to.
    ProxyConnect {
        proxy: String,
        error: Box<Failure>,
    },
}

impl Dialer {
    pub async fn dial(&self, route: &Route, tracing: &Tracing) -> Result<Dialed, Failure> {
        self.dial_either(route, route.forwards(), tracing).await
    }

    /// The same for what is not HTTP: an HTTP proxy is asked for a tunnel, with TLS in it or without.
    pub async fn dial_through(&self, route: &Route, tracing: &Tracing) -> Result<Dialed, Failure> {
        self.dial_either(route, false, tracing).await
    }

    async fn dial_either(&self, route: &Route, forwards: bool, tracing: &Tracing) -> Result<Dialed, Failure> {
        if let Some(path) = &route.socket {
            return self.dial_socket(path, route, tracing).await;
        }
        match &route.proxy {
            None => {
                let tcp = self.tcp(route.bare_host(), route.port, tracing).await?;
                let ends = Ends::of(&tcp);
                if !route.secure {
                    return Ok(plain(Stream::Tcp(tcp), ends));
                }
                let tls = shake_hands(tcp, route, tracing).await?;
                let speaks_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                Ok(Dialed {
                    stream: Stream::Tls(Box::new(tls)),
                    ends,
                    speaks_h2,
                })
            }
            Some(proxy) => self.dial_by(proxy, route, forwards, tracing).await,
        }
    }

    #[cfg(unix)]
    async fn dial_socket(
        &self,
        path: &std::path::Path,
        route: &Route,
        tracing: &Tracing,
    ) -> Result<Dialed, Failure> {
        note(tracing, "connect.begin");
        let stream = tokio::net::UnixStream::connect(path)
            .await
            .map_err(|error| Failure::Connect {
                to: path.display().to_string(),
                error,
            })?;
        note(tracing, "connect.end");
        finish(Stream::Other(Box::new(stream)), Ends::default(), route, tracing).await
    }

    #[cfg(not(unix))]
    async fn dial_socket(
        &self,
        path: &std::path::Path,
        _route: &Route,
        _tracing: &Tracing,
    ) -> Result<Dialed, Failure> {
        Err(Failure::Connect {
            to: path.display().to_string(),
            error: io::ErrorKind::Unsupported.into(),
        })
    }

    async fn dial_by(
        &self,
        proxy: &Proxy,
        route: &Route,
        forwards: bool,
        tracing: &Tracing,
    ) -> Result<Dialed, Failure> {
        let unreachable = |error| Failure::ProxyConnect {
            proxy: proxy.to_string(),
            error: Box::new(error),
        };
        let tcp = self
            .tcp(proxy.bare_host(), proxy.port, tracing)
            .await
            .map_err(unreachable)?;
        let ends = Ends::of(&tcp);
        let stream = if proxy.speaks == Speaks::Https {
            let name = server_name(proxy.bare_host()).map_err(unreachable)?;
            let config = Arc::clone(&route.tls.0.for_proxies);
            let tls = handshake(tcp, config, name, tracing)
                .await
                .map_err(|error| Failure::Tls {
                    to: proxy.to_string(),
                    error,
                })
                .map_err(unreachable)?;
            Stream::Tls(Box::new(tls))
        } else {
            Stream::Tcp(tcp)
        };
        if forwards {
            return Ok(plain(stream, ends));
        }
        note(tracing, "proxy.begin");
        let mut host = route.host.clone();
        if proxy.wants_address() {
            let (answer, _) = self.resolver.resolve(route.bare_host(), tracing).await;
            let addresses = answer.map_err(|error| Failure::Resolve {
                host: route.bare_host().to_owned(),
                error,
            })?;
            // SOCKS4 has no IPv6: with nothing else the proxy is not asked.
            let usable = |address: &&IpAddr| proxy.speaks != Speaks::Socks4 || address.is_ipv4();
            if let Some(address) = addresses.iter().find(usable).or(addresses.first()) {
                host = address.to_string().into();
            }
        }
        let stream = proxy
            .tunnel(stream, &host, route.port)
            .await
            .map_err(|refused| Failure::Proxy {
                proxy: proxy.to_string(),
                refused,
            })?;
        note(tracing, "proxy.end");
        finish(stream, ends, route, tracing).await
    }

    async fn tcp(&self, host: &str, port: u16, tracing: &Tracing) -> Result<TcpStream, Failure> {
        note_with(tracing, "dns.begin", || host.to_owned().into());
        let (mut addresses, cached) = if let Some(told) = self.resolver.told(host, port) {
            (told.to_vec(), true)
        } else {
            let (answer, cached) = self.resolver.resolve(host, tracing).await;
            let addresses = answer.map_err(|error| Failure::Resolve {
                host: host.to_owned(),
                error,
            })?;
            (interleave(&addresses, port), cached)
        };
        note_with(tracing, "dns.end", || if cached { "cached" } else { "" }.into());
        if let Some(local) = self.local {
            addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
        }
        note(tracing, "connect.begin");
        let stream = self
            .first_of(&addresses)
            .await
            .map_err(|error| Failure::Connect {
                to: match host.contains(':') {
                    true => format!("[{host}]:{port}"),
                    false => format!("{host}:{port}"),
                },
                error,
            })?;
        note_with(tracing, "connect.end", || {
            let address = stream.peer_addr();
            address.map_or_else(|_| "".into(), |address| address.to_string().into())
        });
        Ok(stream)
    }

    /// Happy eyeballs: the next address is tried when the one before it has failed or takes long.
    async fn first_of(&self, addresses: &[SocketAddr]) -> io::Result<TcpStream> {
        if let [only] = addresses {
            return self.connect(*only).await;
        }
        let mut left = addresses.iter();
        let mut running = FuturesUnordered::new();
        let mut failure = None;
        if let Some(first) = left.next() {
            running.push(self.connect(*first));
        }
        while !running.is_empty() {
            let outcome = tokio::select! {
                biased;
                outcome = running.next() => outcome,
                () = tokio::time::sleep(NEXT_ADDRESS), if left.len() > 0 => None,
            };
            match outcome {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failure = failure.or(Some(error)),
                None => {}
            }
            if let Some(next) = left.next() {
                running.push(self.connect(*next));
            }
        }
        Err(failure.unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::AddrNotAvailable, "no address of a usable family")
        }))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = match self.local {
            None => TcpStream::connect(address).await?,
            Some(local) => {
                let socket = match local {
                    SocketAddr::V4(_) => TcpSocket::new_v4(),
                    SocketAddr::V6(_) => TcpSocket::new_v6(),
                }?;
                socket.bind(local)?;
                socket.connect(address).await?
            }
        };
        stream.set_nodelay(true)?;
        let keep_alive = socket2::TcpKeepalive::new().with_time(KEEP_ALIVE);
        socket2::SockRef::from(&stream).set_tcp_keepalive(&keep_alive)?;
        Ok(stream)
    }
}

fn plain(stream: Stream, ends: Ends) -> Dialed {
    Dialed {
        stream,
        ends,
        speaks_h2: false,
    }
}

/// TLS over anything, where the route wants it.
async fn finish(stream: Stream, ends: Ends, route: &Route, tracing: &Tracing) -> Result<Dialed, Failure> {
    if !route.secure {
        return Ok(plain(stream, ends));
    }
    let tls = shake_hands(stream, route, tracing).await?;
    let speaks_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Dialed {
        stream: Stream::Other(Box::new(tls)),
        ends,
        speaks_h2,
    })
}

async fn shake_hands<S>(
    stream: S,
    route: &Route,
    tracing: &Tracing,
) -> Result<tokio_rustls::client::TlsStream<S>, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let name = server_name(route.server_name.as_deref().unwrap_or(route.bare_host()))?;
    handshake(stream, Arc::clone(&route.tls.0.for_servers), name, tracing)
        .await
        .map_err(|error| Failure::Tls {
            to: route.to_string(),
            error,
        })
}

async fn handshake<S>(
    stream: S,
    config: Arc<rustls::ClientConfig>,
    name: ServerName<'static>,
    tracing: &Tracing,
) -> io::Result<tokio_rustls::client::TlsStream<S>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    note(tracing, "tls.begin");
    let tls = TlsConnector::from(config).connect(name, stream).await?;
    note_with(tracing, "tls.end", || {
        let (_, session) = tls.get_ref();
        let version = session.protocol_version().and_then(|version| version.as_str());
        let protocol = session.alpn_protocol().map(String::from_utf8_lossy);
        [version, protocol.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
            .into()
    });
    Ok(tls)
}

fn server_name(host: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(host.to_owned()).map_err(|_| Failure::Tls {
        to: host.to_owned(),
        error: io::Error::new(
            io::ErrorKind::InvalidInput,
            "the host's name is none that a certificate can have",
        ),
    })
}
