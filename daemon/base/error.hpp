#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace qw {

/// Why something could not be done. "Bad news about a target" is never an Error: that is a fact or a sample.
enum class ErrorKind : std::uint8_t {
  timeout,      ///< the deadline passed
  refused,      ///< nobody listens there, or the connection was reset
  unreachable,  ///< no route, no such host, name does not resolve
  protocol,     ///< the reply is not what the protocol allows
  rejected,     ///< the target understood and said no (wrong password, missing right, wrong certificate)
  too_large,    ///< a cap of ours was exceeded
  canceled,     ///< we are stopping
  config,       ///< the user's input is wrong
  internal,     ///< our own resources: descriptors, memory
};

/// The kind's name as it appears in labels and JSON ("timeout", "too_large").
std::string_view name(ErrorKind kind);

/// What went wrong, outside in: "etcd control-plane: 10.0.0.3:2379: connection refused". Lower case, no full
/// stop, and never a secret.
class Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const noexcept { return kind_; }
  const std::string& message() const noexcept { return message_; }

  /// The same error seen from one layer further out.
  Error within(std::string_view what) const { return {kind_, std::string(what) + ": " + message_}; }

  bool operator==(const Error&) const = default;

 private:
  ErrorKind kind_;
  std::string message_;
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorKind::protocol, "no raft.status");`
inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected<Error>(Error(kind, std::move(message)));
}

}  // namespace qw
