#pragma once
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "daemon/net/udp.hpp"
#include "probes/wire/stamp.hpp"

namespace qw::probes {

struct ReflectorOptions {
  std::vector<net::Endpoint> listen;
  /// Answers in all and to one address; what is more is refused and counted.
  double packets_per_second = 20'000;
  double packets_per_second_and_source = 2'000;
};

/// Why a packet was not answered.
enum class Refusal : std::uint8_t {
  malformed,  ///< shorter than an answer to it would be, or longer than a packet on any ordinary link
  reflected,  ///< an answer itself, or from a reflector's port: two reflectors would play it back and forth
              ///< for ever
  source_limit,  ///< too many from one address
  total_limit,   ///< too many in all
  not_sent,      ///< the kernel did not take the answer
};
inline constexpr std::size_t kRefusals = 5;
std::string_view name(Refusal refusal);

/// Answers the STAMP and TWAMP-light packets of others (RFC 8762 4.3), so that they can measure the way to
/// this node and back: the kernel's receive stamp, our own clock just before the answer, how well that clock
/// is known, and how many of the sender's packets have arrived. A sender that asks for it is told with
/// the next answer when the one before truly left (RFC 8972 4.7). An answer has exactly as many bytes as its
/// question, so nobody's traffic is made larger.
class Reflector {
 public:
  struct Stats {
    std::uint64_t reflected = 0;
    std::array<std::uint64_t, kRefusals> refused{};  ///< by Refusal
    std::size_t sessions = 0;
  };

  /// `clock_bound` is asked at most once a second. Errors name the address.
  static Result<std::unique_ptr<Reflector>> open(asio::any_io_executor executor, ReflectorOptions options,
                                                 std::function<wire::ErrorEstimate()> clock_bound);
  /// Closes the sockets; the tasks end then.
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  /// One task a socket; each runs until it is cancelled or the reflector goes.
  std::vector<Task<void>> tasks();
  std::vector<net::Endpoint> listening() const;
  Stats stats() const;
  /// When the last packet came from this address that was counted as a sender's; nothing: none that is
  /// remembered.
  std::optional<SteadyTime> last_heard(const asio::ip::address& from) const;

 private:
  struct Impl;
  explicit Reflector(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  ///< shared with the tasks
};

}  // namespace qw::probes
