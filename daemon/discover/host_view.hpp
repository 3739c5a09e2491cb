#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// A host at one moment, as far as it may be read: plain values, nothing of which is believed.
namespace qw::discover {

/// A TCP socket that listens, or a UDP socket that hears everybody.
struct Listening {
  bool udp = false;
  std::string address;  ///< IPv4 or IPv6 without brackets; "0.0.0.0" or "::": every address
  std::uint16_t port = 0;
  auto operator<=>(const Listening&) const = default;
};

struct Process {
  std::uint64_t pid = 0;
  std::string comm;
  std::vector<std::string> args;                   ///< never empty
  std::map<std::string, std::string> environment;  ///< only what HostReader knows to carry no secret
  bool environment_read = false;                   ///< false: nobody may read it
  std::string folder;                              ///< its working folder; empty: not known
  std::string unit;                                ///< "etcd.service"; empty: no unit of its own
  std::string network;                             ///< its network namespace; empty: not known
  bool own_network = false;                        ///< the one that we are in
  bool sockets_read = false;                       ///< false: what it listens on is not known
  std::vector<Listening> listens;
  std::vector<std::string> addresses;  ///< of its network namespace, without loopback; the one that the
                                       ///< default route leaves from first
};

struct HostView {
  std::string name;
  std::vector<Process> processes;
  std::vector<Listening> ownerless;   ///< listening in our network namespace, by whom is not known
  std::vector<std::string> problems;  ///< what could not be read, for the user
};

/// "pid 4711 (etcd.service), in another network namespace"
std::string describe(const Process& process);

}  // namespace qw::discover
