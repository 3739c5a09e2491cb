#include "daemon/placement_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>

#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/query_json.hpp"
#include "daemon/notify/http_endpoint.hpp"
#include "daemon/plan.hpp"
#include "daemon/state_store.hpp"
#include "probes/probe.hpp"

namespace qw {
namespace {

using std::chrono::seconds;

/// Names are looked up within this time; what the resolver knows is there at once.
constexpr Nanoseconds kFindWithin = seconds(2);
/// One look. A peer that is merely slow is asked twice: moving for a hiccup would be harmless, and a
/// nuisance.
constexpr Nanoseconds kLookWithin = seconds(1);
constexpr unsigned kTries = 2;
/// Questions under way at a time.
constexpr std::size_t kAtATime = 64;
/// Of a target's alerts; thousands with long texts.
constexpr std::size_t kMostAlerts = 4U << 20U;
/// A copy that is older says too little about now.
constexpr Nanoseconds kCopyKeeps = std::chrono::minutes(15);

net::ServerReply reply_with(std::string body, std::string_view type) {
  net::ServerReply reply;
  reply.content_type = std::string(type);
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.body = std::make_shared<const std::string>(std::move(body));
  return reply;
}

std::string alerts_path(const TargetId& target) {
  return fmt::format("{}?system={}&target={}", placement::kAlertsPath, target.system, target.name);
}

/// What the peer sent, as if it had been saved on this machine just now.
Result<rules::SavedState> read_alerts(std::string_view body) {
  auto state = rules::decode_state(body);
  if (!state) return std::unexpected(state.error());
  state->boot_id = boot_id();
  state->boot_time = boot_time();
  return std::move(*state);
}

}  // namespace

struct PlacementService::Peer {
  Peer(const Parts& parts, const Options& options, const probes::Peer& found_, const net::HostPort& to)
      : found(found_), client(parts.net, parts.clock, to, options.tls, [] {
          net::HttpClient::Options limits;
          limits.max_body = kMostAlerts;
          return limits;
        }()) {}

  probes::Peer found;
  net::HttpClient client;
};

PlacementService::PlacementService(Parts parts)
    : parts_(std::move(parts)), wake_(parts_.executor, asio::steady_timer::time_point::max()) {}
PlacementService::~PlacementService() = default;

Result<PlacementService::Options> PlacementService::read(const config::PlacementOptions& from) {
  Options out;
  for (const auto& text : from.peers) {
    auto entry = probes::PeerEntry::parse(text);
    if (!entry) return std::unexpected(entry.error().within("placement.peers: '" + sanitize(text, 80) + "'"));
    out.peers.push_back(std::move(*entry));
  }
  out.self = from.self;
  out.port = static_cast<std::uint16_t>(from.port);
  out.interval = from.interval;
  if (from.tls.enabled) {
    auto tls = probes::ProbeContext::tls(from.tls);
    if (!tls) return std::unexpected(tls.error().within("placement"));
    out.tls = std::move(*tls);
  }
  notify::HttpEndpoint as;
  as.username = from.username;
  as.password = from.password.value;
  out.headers = as.headers();
  return out;
}

Result<void> PlacementService::configure(const config::Config& config) {
  auto options = read(config.placement);
  if (!options) return std::unexpected(options.error());
  options_ = std::move(*options);
  peers_.clear();  // their connections are made with the options before
  std::vector<placement::PlacedTarget> targets;
  for (const auto& target : config.targets) {
    // Without peers there is nobody to share with.
    if (!target.common.one_node || options_.peers.empty()) continue;
    targets.push_back({.id = id_of(target), .interval = target.common.interval + target.common.timeout});
  }
  placement_.set_targets(targets);
  std::erase_if(rounds_, [this](const auto& one) { return !is_placed(one.first) || !asks(one.first); });
  std::erase_if(copies_, [this](const auto& one) { return !is_placed(one.first); });
  changed_ = true;
  wake_.cancel();
  return {};
}

Task<void> PlacementService::run() {
  while (true) {
    changed_ = false;
    const auto began = parts_.clock.steady();
    if (!placement_.standings().empty()) co_await pass();
    if (changed_) continue;
    wake_.expires_at(placement_.standings().empty() ? SteadyTime::max() : began + options_.interval);
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

/// Who the peers are, and which of them we are.
Task<void> PlacementService::find() {
  auto entries = options_.peers;
  auto found =
      co_await probes::find_peers(parts_.net, std::move(entries), parts_.clock.steady() + kFindWithin);
  const auto self = probes::find_self(found, options_.self, probes::own_addresses());
  self_ = self ? found[*self].name : options_.self;
  std::map<std::string, std::shared_ptr<Peer>> peers;
  std::vector<std::string> names;
  for (const auto& one : found) {
    names.push_back(one.name);
    auto known = peers_.extract(one.name);
    const bool same = known && known.mapped()->found.addresses == one.addresses;
    if (same) {
      peers.insert(std::move(known));
      continue;
    }
    const auto port = one.port == 0 ? options_.port : one.port;
    // A certificate is of a name; without one a second look-up would only cost time.
    auto named = net::HostPort::parse(one.name, port);
    const bool by_name = options_.tls || one.addresses.empty();
    const auto host = by_name && named        ? named->host
                      : one.addresses.empty() ? one.name
                                              : one.addresses.front().to_string();
    peers[one.name] = std::make_shared<Peer>(parts_, options_, one, net::HostPort(host, port));
  }
  peers_ = std::move(peers);
  placement_.set_peers(std::move(names), self_);
}

Task<void> PlacementService::pass() {
  co_await find();
  if (changed_) co_return;
  placement_.begin();
  for (auto wanted = placement_.next(); !wanted.empty(); wanted = placement_.next()) {
    co_await look(std::move(wanted));
    if (changed_) co_return;
  }
  auto moves = placement_.end();
  for (auto& move : moves) co_await carry_out(std::move(move));
  co_await copy_alerts();
}

Task<void> PlacementService::look(std::vector<std::string> names) {
  // The list may be another when a look is over.
  std::vector<std::shared_ptr<Peer>> peers;
  for (const auto& name : names) peers.push_back(peers_.at(name));
  for (std::size_t from = 0; from < peers.size(); from += kAtATime) {
    const auto count = std::min(kAtATime, peers.size() - from);
    std::vector<Task<placement::Look>> looks;
    for (std::size_t i = 0; i < count; ++i) looks.push_back(look_at(peers[from + i]));
    auto seen = co_await async::all(std::move(looks));
    for (std::size_t i = 0; i < count; ++i) placement_.tell(names[from + i], std::move(seen[i]));
  }
}

Task<placement::Look> PlacementService::look_at(std::shared_ptr<Peer> peer) {
  placement::Look out;
  if (peer->found.addresses.empty()) {
    out.reason = peer->found.error ? peer->found.error->message() : "it has no address";
    co_return out;
  }
  for (unsigned i = 0; i < kTries; ++i) {
    auto body =
        co_await get(peer, std::string(placement::kPlacementPath), parts_.clock.steady() + kLookWithin);
    auto claims =
        body ? placement::read_claims(*body) : Result<placement::Claims>(std::unexpected(body.error()));
    if (claims) {
      out.answered = true;
      out.claims = std::move(*claims);
      co_return out;
    }
    out.reason = claims.error().message();
    // That nobody listens there is no hiccup.
    if (claims.error().kind() == ErrorKind::refused) co_return out;
  }
  co_return out;
}

Task<Result<std::string>> PlacementService::get(std::shared_ptr<Peer> peer, std::string path,
                                                SteadyTime deadline) {
  net::HttpRequest request("GET", std::move(path));
  request.headers = options_.headers;
  auto reply = co_await peer->client.exchange(std::move(request), deadline);
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->status != 200)
    co_return fail(ErrorKind::rejected, fmt::format("answered with status {}", reply->status));
  co_return std::move(reply->body);
}

/// What an asker tells of its alerts while it can.
Task<void> PlacementService::copy_alerts() {
  std::map<std::string, std::vector<TargetId>> wanted;
  for (const auto& [target, standing] : placement_.standings()) {
    if (placement_.is_heir(target)) wanted[standing.asker].push_back(target);
  }
  std::vector<Task<bool>> copies;
  for (auto& [asker, targets] : wanted) copies.push_back(copy_alerts_of(asker, std::move(targets)));
  co_await async::all(std::move(copies));
}

Task<bool> PlacementService::copy_alerts_of(std::string asker, std::vector<TargetId> targets) {
  const auto found = peers_.find(asker);
  if (found == peers_.end()) co_return false;
  const auto peer = found->second;
  for (const auto& target : targets) {
    auto path = alerts_path(target);
    auto body = co_await get(peer, std::move(path), parts_.clock.steady() + kLookWithin);
    auto alerts = body ? read_alerts(*body) : Result<rules::SavedState>(std::unexpected(body.error()));
    if (!alerts) {
      log::debug("the alerts of a target can not be copied", {{"target", target.system + " " + target.name},
                                                              {"peer", asker},
                                                              {"reason", alerts.error().message()}});
      co_return false;
    }
    copies_[target] = {.asker = asker, .at = parts_.clock.steady(), .alerts = std::move(*alerts)};
  }
  co_return true;
}

Task<void> PlacementService::carry_out(placement::Move move) {
  if (move.taken && !move.other.empty()) {
    // Who lives tells better than a copy.
    std::vector<TargetId> targets{move.target};
    const bool fresh = co_await copy_alerts_of(move.other, std::move(targets));
    static_cast<void>(fresh);
    // A reload came in between, and the next pass decides anew.
    if (!is_placed(move.target) || !asks(move.target)) co_return;
  }
  std::optional<rules::SavedState> alerts;
  if (move.taken) {
    const auto now = parts_.clock.steady();
    auto copy = copies_.extract(move.target);
    if (copy && now - copy.mapped().at <= kCopyKeeps) alerts = std::move(copy.mapped().alerts);
    rounds_[move.target] = {.count = 0, .taken = now, .last = now};
  } else {
    rounds_.erase(move.target);
  }
  parts_.on_move(move, std::move(alerts));
}

void PlacementService::on_round(const TargetId& target) {
  const auto found = rounds_.find(target);
  if (found == rounds_.end()) return;
  ++found->second.count;
  found->second.last = parts_.clock.steady();
}

placement::Claims PlacementService::claims() const {
  const auto now = parts_.clock.steady();
  placement::Claims out;
  for (const auto& [target, rounds] : rounds_)
    out[target] = {.rounds = rounds.count, .taken = now - rounds.taken, .last_round = now - rounds.last};
  return out;
}

std::optional<net::ServerReply> PlacementService::answer(const net::ServerRequest& request) const {
  if (request.path == placement::kPlacementPath)
    return reply_with(placement::print_claims(self_, placement_.standings(), claims()), "application/json");
  if (request.path != placement::kAlertsPath) return std::nullopt;
  const exporting::Form form(request.query, "");
  const TargetId target{.system = std::string(form.get("system")), .name = std::string(form.get("target"))};
  if (rounds_.contains(target)) return reply_with(parts_.alerts_of(target), "application/octet-stream");
  auto reply =
      reply_with(exporting::error_json("not_found", "the target is not asked here"), "application/json");
  reply.status = 404;
  return reply;
}

}  // namespace qw
