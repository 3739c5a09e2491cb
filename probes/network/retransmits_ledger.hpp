#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/base/time.hpp"
#include "probes/wire/inet_diag.hpp"

namespace qw::probes {

/// What the sockets of this machine have sent and sent again, by peer. Counts only grow as long as a line is
/// there: what a socket had counted when it was closed stays. Pure: no I/O, no clock.
class RetransmitsLedger {
 public:
  using PortSystems = std::map<std::uint16_t, std::string>;

  struct Limits {
    std::size_t lines = 50;        ///< peers with numbers of their own; the others share lines
    std::size_t sockets = 65'536;  ///< that are followed; what further ones did counts when they close
    std::size_t groups = 8'192;    ///< peers that are compared for who gets a line
    Nanoseconds forget_after = std::chrono::hours(1);  ///< a peer without a socket
  };

  explicit RetransmitsLedger(Limits limits) : limits_(limits) {}

  /// A look at all sockets: begin, each socket once, end; one that is begun and not ended shows some of them.
  /// What was sent before the first look is not counted, since nobody knows when that was.
  void begin_look();
  void open(const wire::TcpSocket& socket, const PortSystems& systems);
  void end_look(SteadyTime now);
  /// The last word of a socket.
  void closed(const wire::TcpSocket& socket, const PortSystems& systems);

  struct Line {
    std::string peer;        ///< an address, or kOthers
    std::string port_class;  ///< a system, or kOther
    std::uint64_t retransmits = 0;
    std::uint64_t segments = 0;
    std::uint64_t sockets = 0;                               ///< open in the last look
    std::optional<std::uint32_t> min_rtt_us = std::nullopt;  ///< of these
  };
  std::vector<Line> lines() const;

  static constexpr std::string_view kOthers = "others";  ///< all peers without a line of their own
  static constexpr std::string_view kOther = "other";    ///< no configured system's port

 private:
  struct Counts {
    std::uint64_t retransmits = 0;
    std::uint64_t segments = 0;
  };
  struct Key {
    std::array<std::uint8_t, 16> peer{};
    std::string port_class;
    auto operator<=>(const Key&) const = default;
  };
  /// The sockets of one look.
  struct Open {
    std::uint64_t sockets = 0;
    std::optional<std::uint32_t> min_rtt_us;
    void add(const Open& other);
  };
  struct Group {
    bool own_line = false;
    Counts counts;       ///< since it has a line of its own
    double badness = 0;  ///< fades from look to look
    Open open;           ///< in the last whole look
    Open seen;           ///< in the one under way
    std::optional<SteadyTime> empty_since;
  };
  using Groups = std::map<Key, Group>;
  struct Known {
    std::uint32_t segments = 0;
    std::uint32_t retransmits = 0;
    std::uint64_t look = 0;  ///< the last that showed it
  };

  Group* group_of(const Key& key);
  void count(const Key& key, Group* group, std::uint32_t segments, std::uint32_t retransmits);
  bool remember(const wire::TcpSocket& socket);
  void give_lines();
  void forget_idle(SteadyTime now);
  static Key key_of(const wire::TcpSocket& socket, const PortSystems& systems);

  Limits limits_;
  std::unordered_map<std::uint64_t, Known> known_;  // by cookie
  std::unordered_set<std::uint64_t> ended_;         // cookies closed since the look began
  Groups groups_;
  std::map<std::string, Counts> others_;  // by class
  std::size_t own_lines_ = 0;
  std::uint64_t look_ = 0;
  bool complete_ = false;  ///< one look was
};

}  // namespace qw::probes
