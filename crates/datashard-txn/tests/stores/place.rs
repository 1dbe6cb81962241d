//! [`Place`]: where a table of a race lies, as text for other processes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use datashard_io::store::RetryPolicy;
use datashard_io::{Durability, StoreOptions, TableStore};

use crate::servers::Server;

/// Where a table lies.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Folder {
        durability: Durability,
        path: String,
    },
    /// A table on a server of this name, reached at this address.
    Server {
        name: String,
        endpoint: String,
        table: String,
    },
}

impl Place {
    /// The server of a name, if the environment tells of it.
    pub(crate) fn server(name: &str) -> Result<Option<Server>, String> {
        match name {
            "s3" => Server::s3(),
            "gcs" => Server::gcs(),
            _ => Err(format!("no server is named {name}")),
        }
    }

    /// Opens the files of the table.
    pub(crate) async fn open(&self) -> Result<TableStore, String> {
        let opened = match self {
            Self::Folder { durability, path } => {
                TableStore::open(path, StoreOptions::new().with_durability(*durability)).await
            }
            Self::Server { name, endpoint, table } => {
                let server = Self::server(name)?.ok_or_else(|| format!("there is no server {name}"))?;
                // Answers that never come are given up early, so that a race meets many of them.
                let retry = RetryPolicy::default()
                    .with_request_timeout(Duration::from_secs(3))
                    .with_deadline(Duration::from_secs(20));
                server.behind(endpoint).open_with(table, retry).await
            }
        };
        opened.map_err(|error| error.to_string())
    }
}

/// A mode of durability by its name.
pub(crate) fn durability(name: &str) -> Result<Durability, String> {
    match name {
        "full" => Ok(Durability::Full),
        "group" => Ok(Durability::group()),
        "none" => Ok(Durability::None),
        _ => Err(format!("no durability is named {name}")),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { durability, path } => {
                let name = match durability {
                    Durability::None => "none",
                    Durability::Group { .. } => "group",
                    _ => "full",
                };
                write!(f, "folder|{name}|{path}")
            }
            Self::Server { name, endpoint, table } => write!(f, "{name}|{endpoint}|{table}"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.splitn(3, '|').collect();
        match words[..] {
            ["folder", mode, path] => {
                Ok(Self::Folder { durability: durability(mode)?, path: path.to_owned() })
            }
            [name, endpoint, table] => Ok(Self::Server {
                name: name.to_owned(),
                endpoint: endpoint.to_owned(),
                table: table.to_owned(),
            }),
            _ => Err(format!("no place: {text}")),
        }
    }
}
