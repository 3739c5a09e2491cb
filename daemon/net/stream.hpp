#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/async/task.hpp"
#include "daemon/base/secret.hpp"
#include "daemon/net/address.hpp"
#include "daemon/net/resolver.hpp"

namespace qw::net {

/// What to trust and what to show. All files are read once, when the context is made.
struct TlsFiles {
  bool enabled = false;
  std::string ca_file;    ///< empty: the system's
  std::string cert_file;  ///< client certificate chain; empty: none
  std::string key_file;
  std::string server_name;  ///< expected in the certificate; empty: the host that is connected to
  bool insecure_skip_verify = false;
  bool operator==(const TlsFiles&) const = default;
};

/// A TLS client context (OpenSSL, TLS 1.2 and newer); shared by the connections of one target.
class TlsContext {
 public:
  /// Errors: ErrorKind::config, naming the file.
  static Result<std::shared_ptr<TlsContext>> make(const TlsFiles& files);
  struct Impl;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  ~TlsContext();
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// All that a probe needs to talk to the network.
class Net {
 public:
  Net(asio::any_io_executor executor, Resolver& resolver)
      : executor_(std::move(executor)), resolver_(resolver) {}
  const asio::any_io_executor& executor() const { return executor_; }
  Resolver& resolver() const { return resolver_; }

 private:
  asio::any_io_executor executor_;
  Resolver& resolver_;
};

/// The message of the error that says end of file; a reset has words of its own.
inline constexpr std::string_view kClosedByPeer = "closed by peer";

/// One connected byte stream, TCP or TLS over TCP. Every operation has a deadline and ends at it; after an
/// error the stream is of no more use. Destroying it closes the socket at once, without waiting for the peer.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Resolves, connects (trying each address in turn within the deadline) and, with `tls`, shakes hands and
  /// checks name and chain. Errors do not repeat `to`, but name the address it resolved to: "connection
  /// refused", "10.0.0.3: connection refused", "certificate: self-signed certificate in certificate chain"
  /// (rejected).
  static Task<Result<std::unique_ptr<Stream>>> connect(Net& net, HostPort to, std::shared_ptr<TlsContext> tls,
                                                       SteadyTime deadline);

  /// At least one byte, or an error; end of file is ErrorKind::refused, kClosedByPeer. Bytes that came before
  /// the deadline never move it.
  virtual Task<Result<std::size_t>> read_some(std::span<char> into, SteadyTime deadline) = 0;
  /// All of `bytes`, which must stay valid until it returns.
  virtual Task<Result<void>> write(std::string_view bytes, SteadyTime deadline) = 0;
  /// False when something has arrived that nobody asked for, bytes or the end: such a connection is not to be
  /// used again.
  virtual bool quiet() const { return true; }
  /// The connected peer's address ("10.0.0.1:2379").
  virtual std::string peer() const = 0;
};

}  // namespace qw::net
