// Measures who leads an etcd cluster and in which raft term, how far each member's log is behind, members,
// learners, alarms. Asks every member at its client address: GET /debug/vars (no permission needed), POST
// /v3/maintenance/status and /v3/cluster/member/list (where authentication is on, newer versions want a user;
// one without any role will do). Cannot see the true term where /debug/vars is hidden, because status only
// has the term of the last applied entry. The claim then has no epoch: elections are counted by changes of
// the holder, and one that is seen in the instant before its first entry is applied can count twice.
#include <fmt/format.h>

#include <set>
#include <utility>

#include "probes/clock_profile.hpp"
#include "probes/members.hpp"
#include "probes/probe.hpp"
#include "probes/systems/etcd_facts.hpp"
#include "probes/wire/etcd_probing.hpp"

namespace qw::probes {
namespace {

constexpr std::uint16_t kPort = 2379;
/// Each attempt costs etcd a bcrypt comparison and, when it succeeds, a raft entry.
constexpr Nanoseconds kLoginPause = std::chrono::seconds(30);

struct Options {
  std::vector<std::string> members;
  config::TlsOptions tls;
  std::string username;
  config::SecretFile password_file;
  EtcdCluster::Times times;
  std::optional<std::uint64_t> peer_port;
  std::string clock_profile = "etcd";
};

template <class T>
using Parser = Result<T> (*)(std::string_view);

class Etcd final : public Probe {
 public:
  Etcd(const ProbeContext& context, const Options& options, std::vector<net::HostPort> members,
       std::shared_ptr<net::TlsContext> tls)
      : clock_(context.clock),
        username_(options.username),
        password_(options.password_file.value),
        cluster_(members, options.times, options.clock_profile) {
    for (auto& member : members) {
      if (options.peer_port) {
        net::HostPort peer{.host = member.host, .port = static_cast<std::uint16_t>(*options.peer_port)};
        peers_.push_back(std::make_unique<net::HttpClient>(context.net, clock_, std::move(peer), tls,
                                                           net::HttpClient::Options()));
      }
      clients_.push_back(std::make_unique<net::HttpClient>(context.net, clock_, std::move(member), tls,
                                                           net::HttpClient::Options()));
    }
  }

  void inherit(Probe& before) override {
    auto* const other = dynamic_cast<Etcd*>(&before);
    if (!other) return;
    cluster_.inherit(other->cluster_);
    token_ = other->token_;
    login_failure_ = other->login_failure_;
    next_login_ = other->next_login_;
  }

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    const bool second_look = !question.only.empty();
    std::vector<Task<EtcdAnswer>> tasks;
    for (std::size_t i = 0; i < cluster_.size(); ++i) {
      if (question.includes(cluster_.name(i))) tasks.push_back(ask_member(i, second_look, deadline));
    }
    auto answers = co_await async::all(std::move(tasks));
    co_await ask_as_user(answers, second_look, deadline);
    co_return cluster_.read(std::move(answers), second_look);
  }

 private:
  /// The member's own raft state first: it is the claim, and nothing that is asked after it may spoil it. A
  /// second look asks for nothing else.
  Task<EtcdAnswer> ask_member(std::size_t index, bool second_look, SteadyTime deadline) {
    EtcdAnswer answer(index, clock_.steady());
    net::HttpRequest request("GET", "/debug/vars");
    answer.vars = co_await exchange(index, std::move(request), &wire::parse_etcd_vars, deadline);
    const bool shown = answer.vars.value.has_value();
    const bool needs_status = shown ? !second_look : may_trust_status(answer);
    const auto status_deadline = shown ? half_way(deadline) : deadline;
    if (needs_status) co_await ask_status(answer, second_look, status_deadline);
    answer.asked.received = clock_.steady();
    if (!second_look && !peers_.empty()) {
      net::HttpRequest now("GET", "/raft/probing");
      answer.clock =
          co_await hear(*peers_[index], std::move(now), &wire::parse_etcd_probing, half_way(deadline));
    }
    co_return answer;
  }

  /// What a member without raft.status says of itself counts for less, so it is believed only where
  /// raft.status is kept from us, never because one reply of many was bad.
  bool may_trust_status(const EtcdAnswer& answer) const {
    if (!answer.vars.replied) return false;
    const bool refused = answer.vars.reply.status != 200;
    return refused || !cluster_.has_shown_vars(answer.index);
  }

  Task<void> ask_status(EtcdAnswer& answer, bool second_look, SteadyTime deadline) {
    auto request = post("/v3/maintenance/status", "{}");
    answer.status = co_await exchange(answer.index, std::move(request), &wire::parse_etcd_status, deadline);
    if (second_look || !answer.status.replied) co_return;
    // A linearizable list, the default from 3.5 on, would hang without a quorum.
    auto list = post("/v3/cluster/member/list", R"({"linearizable":false})");
    const auto soon = half_way(deadline);
    answer.members = co_await exchange(answer.index, std::move(list), &wire::parse_etcd_members, soon);
  }

  /// Logs in when somebody refused for want of it, and asks again what was refused. Once a look at most,
  /// whoever refused: etcd's tokens are good for every member.
  Task<void> ask_as_user(std::vector<EtcdAnswer>& answers, bool second_look, SteadyTime deadline) {
    std::vector<EtcdAnswer*> refused;
    for (auto& answer : answers) {
      const auto& error = answer.status.error;
      if (answer.status.replied && error && error->kind() == ErrorKind::rejected) refused.push_back(&answer);
    }
    if (username_.empty() || refused.empty()) co_return;
    auto token = co_await log_in(refused.front()->index, half_way(deadline));
    std::vector<Task<bool>> tasks;
    for (auto* answer : refused) {
      if (token) {
        tasks.push_back(ask_refused(*answer, second_look, deadline));
      } else {
        answer->status.error = token.error().within(fmt::format("authenticate as {}", username_));
      }
    }
    co_await async::all(std::move(tasks));
  }

  Task<bool> ask_refused(EtcdAnswer& answer, bool second_look, SteadyTime deadline) {
    co_await ask_status(answer, second_look, deadline);
    answer.asked.received = clock_.steady();
    co_return true;
  }

  Task<Result<void>> log_in(std::size_t index, SteadyTime deadline) {
    if (login_failure_ && clock_.steady() < next_login_) co_return std::unexpected(*login_failure_);
    token_.clear();
    login_failure_.reset();
    next_login_ = clock_.steady() + kLoginPause;
    auto request = post("/v3/auth/authenticate", wire::make_etcd_login(username_, password_.reveal()));
    auto heard = co_await exchange(index, std::move(request), &wire::parse_etcd_token, deadline);
    if (heard.value) {
      token_ = std::move(*heard.value);
      co_return Result<void>();
    }
    login_failure_ = heard.error;
    co_return std::unexpected(*login_failure_);
  }

  template <class T>
  Task<Heard<T>> exchange(std::size_t index, net::HttpRequest request, Parser<T> parse, SteadyTime deadline) {
    auto heard = co_await hear(*clients_[index], std::move(request), parse, deadline);
    co_return heard;
  }

  template <class T>
  Task<Heard<T>> hear(net::HttpClient& client, net::HttpRequest request, Parser<T> parse,
                      SteadyTime deadline) {
    auto reply = co_await client.exchange(std::move(request), deadline);
    Heard<T> heard;
    if (!reply) {
      heard.error = reply.error();
      co_return heard;
    }
    heard.replied = true;
    if (reply->status != 200) {
      heard.error = wire::read_etcd_refusal(reply->status, reply->body);
    } else if (auto value = parse(reply->body)) {
      heard.value = std::move(*value);
    } else {
      heard.error = value.error();
    }
    heard.reply = std::move(*reply);
    heard.reply.body = {};
    co_return heard;
  }

  net::HttpRequest post(std::string path, std::string body) const {
    net::HttpRequest request("POST", std::move(path));
    request.body = std::move(body);
    request.headers.emplace_back("Content-Type", "application/json");
    if (!token_.empty()) request.headers.emplace_back("Authorization", token_);
    return request;
  }

  SteadyTime half_way(SteadyTime deadline) const {
    const auto now = clock_.steady();
    return now + (deadline - now) / 2;
  }

  const Clock& clock_;
  std::string username_;
  Secret password_;
  std::string token_;
  std::optional<Error> login_failure_;
  SteadyTime next_login_;
  EtcdCluster cluster_;
  std::vector<std::unique_ptr<net::HttpClient>> clients_;
  std::vector<std::unique_ptr<net::HttpClient>> peers_;  ///< at their peer addresses; empty: not asked there
};

ProbeMaker read(config::Fields& fields) {
  Options options;
  const bool found = fields.addresses("members", &options.members, address_rule(kPort),
                                      "Client address of every member, each its own and not a load "
                                      "balancer's; the port is 2379 if not given.");
  std::set<net::HostPort> seen;
  const auto members = read_members(fields, {.default_port = kPort}, options.members, seen);
  fields.check("members", found || !options.members.empty(), "needs at least one address");
  config::tls_fields(fields, options.tls);
  fields.optional(
      "username", &options.username,
      "User for clusters with authentication; it needs no role. etcd 3.4 does without it; newer ones tell "
      "their status to no one else, and a member without its status counts as silent.");
  fields.optional("password_file", &options.password_file, "File with that user's password.");
  fields.check("password_file", options.username.empty() == options.password_file.source.empty(),
               "username and password_file go together");
  fields.optional("election_timeout", &options.times.election_timeout,
                  "The members' --election-timeout, if it is set in a configuration file or the environment; "
                  "from the command "
                  "line it is read by itself.");
  fields.optional("heartbeat_interval", &options.times.heartbeat_interval,
                  "The members' --heartbeat-interval, under the same conditions.");
  const auto positive = [](std::optional<Nanoseconds> time) { return !time || *time > Nanoseconds(0); };
  fields.check("election_timeout", positive(options.times.election_timeout), "must be more than 0");
  fields.check("heartbeat_interval", positive(options.times.heartbeat_interval), "must be more than 0");
  fields.optional(
      "peer_port", &options.peer_port,
      "Where the members speak to each other (2380). If it is set, their clocks are read there to the "
      "microsecond (GET /raft/probing, in plain text or with `tls`), and not only from the Date of "
      "their replies.");
  fields.check("peer_port", !options.peer_port || (*options.peer_port > 0 && *options.peer_port < 65'536),
               "must be a port");
  clock_profile_field(fields, options.clock_profile);
  return [options, members](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    auto tls = context.tls(options.tls);
    if (!tls) return std::unexpected(tls.error());
    return std::make_unique<Etcd>(context, options, members, std::move(*tls));
  };
}

constexpr const MetricFamily* kFamilies[]{&kAlarmActive, &kMemberInfo};

}  // namespace

extern const ProbeKind kEtcd;
const ProbeKind kEtcd{
    .system = "etcd",
    .summary = "etcd 3.4 to 3.7, every member asked at its client address",
    .measures =
        "Who leads and in which raft term, how far each member's log is behind, voters, learners and alarms.",
    .asks =
        "GET /debug/vars (no permission), POST /v3/maintenance/status and /v3/cluster/member/list (with "
        "authentication on, "
        "newer versions want a user; it needs no role); with peer_port, GET /raft/probing there for the "
        "clock.",
    .cannot_see =
        "The true term where /debug/vars is hidden: claims then carry no epoch, elections are counted by "
        "changes of the "
        "holder, and one seen in the instant before its first entry is applied can count twice.",
    .metrics = kFamilies,
    .read = read,
};

}  // namespace qw::probes
