#include "daemon/export/auth.hpp"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <optional>

#include "daemon/base/secret.hpp"
#include "daemon/net/digest.hpp"

namespace qw::exporting {
namespace {

constexpr std::size_t kMaxRemembered = 100;
constexpr std::size_t kMaxWaiting = 64;
constexpr std::size_t kMaxAddresses = 4096;
constexpr int kFailuresASecond = 5;

struct Credentials {
  std::string user;
  Secret password;
};

std::optional<std::string> base64_decoded(std::string_view text) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const auto padding = text.size() - text.substr(0, text.find('=')).size();
  if (padding > 2) return std::nullopt;
  text.remove_suffix(padding);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

std::optional<Credentials> parse_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  const auto scheme = authorization.substr(0, kScheme.size());
  const bool is_basic = std::ranges::equal(scheme, kScheme, [](char a, char b) { return (a | 0x20) == b; });
  if (!is_basic) return std::nullopt;
  auto decoded = base64_decoded(authorization.substr(kScheme.size()));
  if (!decoded) return std::nullopt;
  const auto colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), Secret(decoded->substr(colon + 1))};
}

bool matches_bcrypt(const Secret& password, const std::string& hash) {
  // 32 kB: not for the stack.
  auto scratch = std::make_unique<crypt_data>();
  const std::string text(password.reveal());
  const char* computed = ::crypt_r(text.c_str(), hash.c_str(), scratch.get());
  return computed != nullptr && computed[0] != '*' && net::equal_in_constant_time(computed, hash);
}

/// What the password of a user who does not exist is checked against: salt and cost of the users' own, and no
/// hash, so that nothing matches.
std::string dummy_hash(const std::vector<BasicAuthUser>& users) {
  std::string cost = "10";
  for (const auto& user : users) {
    // "$2y$12$salt..."
    if (user.bcrypt.size() > 6 && user.bcrypt[3] == '$') cost = std::max(cost, user.bcrypt.substr(4, 2));
  }
  return "$2b$" + cost + "$abcdefghijklmnopqrstuu";
}

/// One check, shared with the worker, which may still be at it when the request is gone.
struct Check {
  Secret password;
  std::string hash;
  bool matches = false;
};

/// Failures of one address: a bucket of five that fills by five a second.
struct Bucket {
  double left = kFailuresASecond;
  SteadyTime at;
};

}  // namespace

struct BasicAuth::Impl {
  explicit Impl(async::WorkerPool& pool_) : pool(pool_) {}

  net::Sha256 key(const std::string& user, const std::string& hash, const Secret& password) const {
    // The separators keep "a" + "bc" apart from "ab" + "c" (CVE-2022-46146).
    std::string text = user + '\0' + hash + '\0';
    text += password.reveal();
    const auto digest = net::sha256(text);
    const Secret wiped(std::move(text));
    return digest;
  }

  bool take_token(const std::string& ip, SteadyTime now) {
    if (buckets.size() >= kMaxAddresses && !buckets.contains(ip)) {
      // Full again means nothing is owed; if an attacker has that many addresses, those who waited longest
      // are let off.
      std::erase_if(buckets,
                    [now](const auto& entry) { return now - entry.second.at > std::chrono::seconds(1); });
      if (buckets.size() >= kMaxAddresses) buckets.clear();
    }
    const auto [found, is_new] = buckets.try_emplace(ip);
    auto& bucket = found->second;
    if (!is_new)
      bucket.left =
          std::min<double>(kFailuresASecond, bucket.left + seconds(now - bucket.at) * kFailuresASecond);
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }
  void give_token_back(const std::string& ip) {
    const auto found = buckets.find(ip);
    if (found != buckets.end()) found->second.left += 1;
  }

  /// Waits until no other check runs.
  Task<void> enter() {
    while (running) {
      auto executor = co_await asio::this_coro::executor;
      auto turn = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
      waiting.push_back(turn);
      co_await turn->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    running = true;
  }
  void leave() {
    running = false;
    if (waiting.empty()) return;
    waiting.front()->cancel();
    waiting.pop_front();
  }

  async::WorkerPool& pool;
  std::map<std::string, std::string, std::less<>> hashes;  // by user
  std::string dummy;
  std::deque<net::Sha256> remembered;  // of credentials that were good
  std::map<std::string, Bucket> buckets;
  bool running = false;
  std::deque<std::shared_ptr<asio::steady_timer>> waiting;
};

BasicAuth::BasicAuth(async::WorkerPool& pool) : impl_(std::make_unique<Impl>(pool)) {}
BasicAuth::~BasicAuth() = default;

void BasicAuth::set_users(std::vector<BasicAuthUser> users) {
  impl_->dummy = dummy_hash(users);
  impl_->hashes.clear();
  // The keys contain the hash, so an old one can not let anybody in.
  impl_->remembered.clear();
  for (auto& user : users) impl_->hashes.emplace(std::move(user.name), std::move(user.bcrypt));
}

Task<BasicAuth::Verdict> BasicAuth::check(std::string authorization, std::string ip) {
  return check(std::move(authorization), std::move(ip), SystemClock().steady());
}

Task<BasicAuth::Verdict> BasicAuth::check(std::string authorization, std::string ip, SteadyTime now) {
  auto& impl = *impl_;
  if (impl.hashes.empty()) co_return Verdict::good;
  auto credentials = parse_credentials(authorization);
  if (!credentials) co_return Verdict::bad;
  const auto found = impl.hashes.find(credentials->user);
  const bool known = found != impl.hashes.end();
  auto job = std::make_shared<Check>();
  job->hash = known ? found->second : impl.dummy;
  job->password = std::move(credentials->password);
  const auto key = impl.key(credentials->user, job->hash, job->password);
  if (known && std::ranges::find(impl.remembered, key) != impl.remembered.end()) co_return Verdict::good;

  // The token is taken before the check, so that many attempts at the same time can not pass together.
  if (!impl.take_token(ip, now)) co_return Verdict::too_many;
  if (impl.waiting.size() >= kMaxWaiting) co_return Verdict::busy;
  co_await impl.enter();
  std::exception_ptr broken;
  try {
    co_await impl.pool.run([job] { job->matches = matches_bcrypt(job->password, job->hash); });
  } catch (...) {
    broken = std::current_exception();
  }
  impl.leave();
  if (broken) std::rethrow_exception(broken);
  if (!known || !job->matches) co_return Verdict::bad;
  impl.give_token_back(ip);
  impl.remembered.push_back(key);
  if (impl.remembered.size() > kMaxRemembered) impl.remembered.pop_front();
  co_return Verdict::good;
}

}  // namespace qw::exporting
