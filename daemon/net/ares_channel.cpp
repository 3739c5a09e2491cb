#include "daemon/net/ares_channel.hpp"

#include <ares.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

namespace qw::net {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;
using boost::system::error_code;

/// An answer may hold more addresses than anybody will try; those beyond are dropped.
constexpr std::size_t kMaxAddresses = 64;
constexpr int kClassInternet = 1, kTypeSrv = 33;
constexpr const char* kNoHost = "no such host";
constexpr const char* kNoService = "no such service";

/// One of c-ares' sockets. c-ares owns the descriptor and closes it; we only watch.
struct Watched {
  explicit Watched(const asio::any_io_executor& executor) : socket(executor) {}

  stream_descriptor socket;
  bool want_read = false;
  bool want_write = false;
  bool reading = false;  // a wait is under way
  bool writing = false;
};

std::optional<asio::ip::address> to_address(const ares_addrinfo_node& node) {
  if (node.ai_family == AF_INET) {
    sockaddr_in from;
    std::memcpy(&from, node.ai_addr, sizeof from);
    return asio::ip::address_v4(ntohl(from.sin_addr.s_addr));
  }
  if (node.ai_family == AF_INET6) {
    sockaddr_in6 from;
    std::memcpy(&from, node.ai_addr, sizeof from);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &from.sin6_addr, bytes.size());
    return asio::ip::address_v6(bytes, from.sin6_scope_id);
  }
  return std::nullopt;
}

using Addresses = AresChannel::Addresses;
using Services = AresChannel::Services;
template <class Value>
using Answer = AresChannel::Answer<Value>;
template <class Value>
using Done = AresChannel::Done<Value>;

Result<Answer<Addresses>> read_answer(const ares_addrinfo* info) {
  Answer<Addresses> answer;
  answer.ttl = std::chrono::hours(24);
  for (const auto* node = info == nullptr ? nullptr : info->nodes; node != nullptr; node = node->ai_next) {
    answer.ttl = std::min<Nanoseconds>(answer.ttl, std::chrono::seconds(node->ai_ttl));
    auto address = to_address(*node);
    if (address && answer.value.size() < kMaxAddresses) answer.value.push_back(*address);
  }
  if (answer.value.empty()) return fail(ErrorKind::unreachable, kNoHost);
  return answer;
}

Error failure(int status, const char* nothing) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
      return {ErrorKind::unreachable, nothing};
    case ARES_ETIMEOUT:
      return {ErrorKind::timeout, "the name servers do not answer"};
    case ARES_ECONNREFUSED:
      return {ErrorKind::timeout, "no name server can be reached"};
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return {ErrorKind::canceled, "canceled"};
    case ARES_ENOMEM:
      return {ErrorKind::internal, "out of memory"};
    default:
      return {ErrorKind::protocol, fmt::format("name servers: {}", ares_strerror(status))};
  }
}

}  // namespace

struct AresChannel::Impl : std::enable_shared_from_this<AresChannel::Impl> {
  explicit Impl(const asio::any_io_executor& executor_) : executor(executor_), timer(executor_) {}

  /// What c-ares gives back to its callback: who asked, and whom to tell.
  template <class Value>
  struct Call {
    Impl* self;
    Done<Value> done;
  };

  void open(const std::string& servers, Nanoseconds try_timeout, unsigned tries);
  void close();
  void look_up(const std::string& name, Done<Addresses> done);
  void look_up(const std::string& name, Done<Services> done);
  void answered(int status, ares_addrinfo* info, const Done<Addresses>& done);
  void answered(int status, std::string_view message, const Done<Services>& done);

  void socket_changed(int descriptor, bool read, bool write);
  void watch(int descriptor, const std::shared_ptr<Watched>& watched);
  void arm_timer();

  asio::any_io_executor executor;
  asio::steady_timer timer;
  bool timer_runs = false;
  ares_channel channel = nullptr;
  int open_status = ARES_SUCCESS;
  std::unordered_map<int, std::shared_ptr<Watched>> sockets;
  std::size_t in_flight = 0;
};

AresChannel::AresChannel(asio::any_io_executor executor, const std::string& servers, Nanoseconds try_timeout,
                         unsigned tries)
    : impl_(std::make_shared<Impl>(executor)) {
  impl_->open(servers, try_timeout, tries);
}

AresChannel::~AresChannel() {
  impl_->close();
}

void AresChannel::look_up(const std::string& name, Done<Addresses> done) {
  impl_->look_up(name, std::move(done));
}

void AresChannel::look_up(const std::string& name, Done<Services> done) {
  impl_->look_up(name, std::move(done));
}

std::size_t AresChannel::in_flight() const {
  return impl_->in_flight;
}

void AresChannel::Impl::open(const std::string& servers, Nanoseconds try_timeout, unsigned tries) {
  ares_options options{};
  options.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(try_timeout).count());
  options.tries = static_cast<int>(tries);
  std::string lookups = "fb";  // /etc/hosts, then the servers
  options.lookups = lookups.data();
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t descriptor, int read, int write) {
    static_cast<Impl*>(self)->socket_changed(descriptor, read != 0, write != 0);
  };
  open_status = ares_init_options(
      &channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
  if (open_status == ARES_SUCCESS && !servers.empty())
    open_status = ares_set_servers_ports_csv(channel, servers.c_str());
}

void AresChannel::Impl::close() {
  // Every look-up under way is answered with ARES_EDESTRUCTION, every socket reported as closed, before this
  // returns.
  if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
  timer.cancel();
}

void AresChannel::Impl::look_up(const std::string& name, Done<Addresses> done) {
  if (channel == nullptr || open_status != ARES_SUCCESS)
    return done(std::unexpected(failure(open_status, kNoHost)));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ++in_flight;
  ares_getaddrinfo(
      channel, name.c_str(), nullptr, &hints,
      [](void* argument, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Call<Addresses>> call(static_cast<Call<Addresses>*>(argument));
        call->self->answered(status, info, call->done);
      },
      new Call<Addresses>(this, std::move(done)));
  arm_timer();
}

void AresChannel::Impl::look_up(const std::string& name, Done<Services> done) {
  if (channel == nullptr || open_status != ARES_SUCCESS)
    return done(std::unexpected(failure(open_status, kNoService)));
  ++in_flight;
  ares_query(
      channel, name.c_str(), kClassInternet, kTypeSrv,
      [](void* argument, int status, int, unsigned char* message, int length) {
        const std::unique_ptr<Call<Services>> call(static_cast<Call<Services>*>(argument));
        const auto* bytes = reinterpret_cast<const char*>(message);
        call->self->answered(status,
                             message == nullptr ? std::string_view()
                                                : std::string_view(bytes, static_cast<std::size_t>(length)),
                             call->done);
      },
      new Call<Services>(this, std::move(done)));
  arm_timer();
}

void AresChannel::Impl::answered(int status, ares_addrinfo* info, const Done<Addresses>& done) {
  --in_flight;
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(info, &ares_freeaddrinfo);
  if (status == ARES_SUCCESS) return done(read_answer(info));
  done(std::unexpected(failure(status, kNoHost)));
}

void AresChannel::Impl::answered(int status, std::string_view message, const Done<Services>& done) {
  --in_flight;
  if (status != ARES_SUCCESS) return done(std::unexpected(failure(status, kNoService)));
  auto reply = read_srv_reply(message);
  if (!reply) return done(std::unexpected(reply.error()));
  Answer<Services> answer;
  answer.value = std::move(reply->services);
  answer.ttl = reply->ttl;
  done(std::move(answer));
}

void AresChannel::Impl::socket_changed(int descriptor, bool read, bool write) {
  auto& watched = sockets[descriptor];
  if (!read && !write) {
    // c-ares closes the descriptor right after this call.
    if (watched) {
      watched->want_read = watched->want_write = false;
      error_code ignored;
      watched->socket.cancel(ignored);
      watched->socket.release();
    }
    sockets.erase(descriptor);
    return;
  }
  if (!watched) {
    watched = std::make_shared<Watched>(executor);
    error_code error;
    watched->socket.assign(descriptor, error);
    // An unwatched socket only means that its questions time out; no exception may pass through c-ares.
    if (error) {
      sockets.erase(descriptor);
      return;
    }
  }
  watched->want_read = read;
  watched->want_write = write;
  watch(descriptor, watched);
}

/// Keeps a wait under way for each direction that c-ares wants.
void AresChannel::Impl::watch(int descriptor, const std::shared_ptr<Watched>& watched) {
  const auto wait = [&](stream_descriptor::wait_type direction, bool Watched::* wanted,
                        bool Watched::* waiting) {
    if ((*watched).*waiting || !((*watched).*wanted)) return;
    (*watched).*waiting = true;
    watched->socket.async_wait(
        direction, [self = shared_from_this(), watched, descriptor, wanted, waiting](error_code error) {
          (*watched).*waiting = false;
          if (error || self->channel == nullptr || !((*watched).*wanted)) return;
          const bool reading = waiting == &Watched::reading;
          ares_process_fd(self->channel, reading ? descriptor : ARES_SOCKET_BAD,
                          reading ? ARES_SOCKET_BAD : descriptor);
          if (self->channel == nullptr) return;
          self->watch(descriptor, watched);
          if (self->in_flight == 0) self->timer.cancel();
        });
  };
  wait(stream_descriptor::wait_read, &Watched::want_read, &Watched::reading);
  wait(stream_descriptor::wait_write, &Watched::want_write, &Watched::writing);
}

/// c-ares sends again, and gives up, only when it is called in time. A question is never due before those
/// that were asked earlier, so a timer that runs already need not be set anew (ares_timeout looks at every
/// question).
void AresChannel::Impl::arm_timer() {
  if (timer_runs || in_flight == 0) return;
  timeval buffer{};
  const timeval* next = ares_timeout(channel, nullptr, &buffer);
  if (next == nullptr) return;
  timer_runs = true;
  timer.expires_after(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec));
  timer.async_wait([self = shared_from_this()](error_code) {
    self->timer_runs = false;
    if (self->channel == nullptr) return;
    ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    self->arm_timer();
  });
}

}  // namespace qw::net
