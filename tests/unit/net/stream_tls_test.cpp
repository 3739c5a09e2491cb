#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>

#include "daemon/net/stream.hpp"
#include "tests/unit/net/certificates.hpp"
#include "tests/unit/net/loopback.hpp"

namespace qw::net {
namespace {

using test::Authority;
using test::in;
using test::milliseconds;
using test::steady_clock;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

/// What the TLS server saw.
struct Seen {
  std::string server_name;
  std::string request;
  int version = 0;
  bool closed = false;
  std::string error;
};

/// One connection: handshake, one read, one answer, then until the client closes.
Task<void> serve(std::shared_ptr<asio::ssl::context> context, std::shared_ptr<test::tcp::acceptor> acceptor,
                 std::shared_ptr<Seen> seen) {
  auto accepted = co_await acceptor->async_accept(kToken);
  auto& [accept_error, socket] = accepted;
  if (accept_error) co_return;
  asio::ssl::stream<test::tcp::socket> tls(std::move(socket), *context);
  auto shaken = co_await tls.async_handshake(asio::ssl::stream_base::server, kToken);
  if (const auto& [error] = shaken; error) {
    seen->error = error.message();
    co_return;
  }
  seen->version = SSL_version(tls.native_handle());
  const char* name = SSL_get_servername(tls.native_handle(), TLSEXT_NAMETYPE_host_name);
  seen->server_name = name == nullptr ? "" : name;
  std::array<char, 1000> buffer;
  for (;;) {
    auto read = co_await tls.async_read_some(asio::buffer(buffer), kToken);
    const auto& [error, count] = read;
    if (error) break;
    seen->request.append(buffer.data(), count);
    auto written = co_await asio::async_write(tls, asio::buffer("pong", 4), kToken);
    if (std::get<0>(written)) break;
  }
  seen->closed = true;
}

/// "ping" over a fresh connection; the answer.
Task<Result<std::string>> ping(Net& net, HostPort to, std::shared_ptr<TlsContext> tls, SteadyTime deadline) {
  auto stream = co_await Stream::connect(net, to, tls, deadline);
  if (!stream) co_return std::unexpected(stream.error());
  auto written = co_await (*stream)->write("ping", deadline);
  if (!written) co_return std::unexpected(written.error());
  std::array<char, 100> buffer;
  auto got = co_await (*stream)->read_some(buffer, deadline);
  if (!got) co_return std::unexpected(got.error());
  co_return std::string(buffer.data(), *got);
}

class StreamTlsTest : public test::LoopbackTest {
 protected:
  StreamTlsTest() : directory_(make_directory()), authority_(directory_, "ca") {}
  ~StreamTlsTest() override { std::filesystem::remove_all(directory_); }

  void TearDown() override {
    if (acceptor_) acceptor_->close();
    acceptor_.reset();
    LoopbackTest::TearDown();
  }

  const Authority& authority() const { return authority_; }
  const std::string& directory() const { return directory_; }

  TlsFiles trusting() const {
    TlsFiles files;
    files.enabled = true;
    files.ca_file = authority_.file();
    return files;
  }

  /// Starts a server for one connection.
  void listen(const test::CertificateFiles& own, bool demand_client_certificate = false,
              int max_version = TLS1_3_VERSION) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX_set_max_proto_version(context->native_handle(), max_version);
    // Old versions need the security level that allows their signatures.
    if (max_version < TLS1_2_VERSION) SSL_CTX_set_cipher_list(context->native_handle(), "ALL:@SECLEVEL=0");
    context->use_certificate_chain_file(own.cert);
    context->use_private_key_file(own.key, asio::ssl::context::pem);
    if (demand_client_certificate) {
      context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
      context->load_verify_file(authority_.file());
    }
    const test::tcp::endpoint any(asio::ip::make_address("127.0.0.1"), 0);
    acceptor_ = std::make_shared<test::tcp::acceptor>(loop().executor(), any);
    seen_ = std::make_shared<Seen>();
    loop().spawn(serve(context, acceptor_, seen_));
  }

  Result<std::string> ask(const TlsFiles& files, const std::string& host = "localhost",
                          milliseconds within = milliseconds(3000)) {
    auto tls = TlsContext::make(files);
    if (!tls) return std::unexpected(tls.error());
    Resolver resolver(loop().executor(), Resolver::Options());
    Net net(loop().executor(), resolver);
    return loop().run(ping(net, HostPort(host, acceptor_->local_endpoint().port()), *tls, in(within)));
  }

  Seen& seen() { return *seen_; }

 private:
  static std::string make_directory() {
    std::string path = std::filesystem::temp_directory_path() / "qw-tls-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
    return path;
  }

  std::string directory_;
  Authority authority_;
  std::shared_ptr<test::tcp::acceptor> acceptor_;
  std::shared_ptr<Seen> seen_;
};

TEST_F(StreamTlsTest, TalksToAPeerWithTheRightCertificate) {
  const auto own = authority().issue("server", Authority::Wish());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    listen(own, false, version);
    const auto got = ask(trusting(), "127.0.0.1");
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*got, "pong");
    EXPECT_EQ(seen().request, "ping");
    EXPECT_EQ(seen().version, version);
    EXPECT_EQ(seen().server_name, "") << "an address is no server name";
    EXPECT_TRUE(loop().until([&] { return seen().closed; }));
  }
}

TEST_F(StreamTlsTest, SendsTheConfiguredServerNameAndExpectsItInTheCertificate) {
  Authority::Wish wish;
  wish.alternative = "DNS:etcd-1.example,DNS:*.wild.example";
  const auto own = authority().issue("server", wish);
  auto files = trusting();
  for (const char* name : {"etcd-1.example", "ETCD-1.example", "a.wild.example"}) {
    files.server_name = name;
    listen(own);
    const auto got = ask(files, "127.0.0.1");
    EXPECT_TRUE(got) << name << ": " << got.error().message();
    EXPECT_EQ(seen().server_name, name);
  }
}

TEST_F(StreamTlsTest, NamesTheFaultOfABadCertificate) {
  struct Case {
    const char* stem;
    Authority::Wish wish;
    bool self_signed;
    const char* host;
    const char* error;
  };
  Authority::Wish good, other_name, other_ip, expired, future, client;
  other_name.alternative = "DNS:other.example";
  other_name.name = "other.example";
  other_ip.alternative = "IP:10.9.9.9,DNS:127.0.0.1";  // an address as a name is no address
  expired.valid_from = -7200;
  expired.valid_until = -3600;
  future.valid_from = 3600;
  future.valid_until = 7200;
  client.for_client = true;
  const Case cases[] = {
      {"name", other_name, false, "localhost", "hostname mismatch"},
      {"address", other_ip, false, "127.0.0.1", "ip address mismatch"},
      {"expired", expired, false, "127.0.0.1", "certificate: certificate has expired"},
      {"future", future, false, "127.0.0.1", "certificate: certificate is not yet valid"},
      {"self", good, true, "127.0.0.1", "certificate: self-signed certificate"},
      {"purpose", client, false, "127.0.0.1", "certificate: unsuitable certificate purpose"},
  };
  for (const auto& c : cases) {
    listen(c.self_signed ? authority().self_signed(c.stem, c.wish) : authority().issue(c.stem, c.wish));
    const auto got = ask(trusting(), c.host);
    ASSERT_FALSE(got) << c.stem;
    EXPECT_EQ(got.error().kind(), ErrorKind::rejected) << c.stem << ": " << got.error().message();
    EXPECT_NE(got.error().message().find(c.error), std::string::npos)
        << c.stem << ": " << got.error().message();
    EXPECT_EQ(seen().request, "") << "bytes went to a peer that was not verified";
  }
}

TEST_F(StreamTlsTest, RefusesAnAuthorityThatItDoesNotKnow) {
  const Authority stranger(directory(), "stranger");
  listen(stranger.issue("server", Authority::Wish()));
  const auto got = ask(trusting(), "127.0.0.1");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), Error(ErrorKind::rejected, "certificate: unable to get local issuer certificate"));
  // Nor does the system know it.
  listen(stranger.issue("server", Authority::Wish()));
  TlsFiles system;
  const auto by_system = ask(system, "127.0.0.1");
  ASSERT_FALSE(by_system);
  EXPECT_EQ(by_system.error().kind(), ErrorKind::rejected);
}

TEST_F(StreamTlsTest, SkipsVerificationOnlyWhenTold) {
  listen(authority().self_signed("self", Authority::Wish()));
  auto files = trusting();
  files.insecure_skip_verify = true;
  EXPECT_TRUE(ask(files, "127.0.0.1"));
}

TEST_F(StreamTlsTest, ShowsItsCertificateToAPeerThatDemandsOne) {
  Authority::Wish wish;
  wish.for_client = true;
  const auto client = authority().issue("client", wish);
  const auto own = authority().issue("server", Authority::Wish());
  auto files = trusting();
  files.cert_file = client.cert;
  files.key_file = client.key;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    listen(own, true, version);
    const auto got = ask(files, "127.0.0.1");
    EXPECT_TRUE(got) << got.error().message();
  }
}

TEST_F(StreamTlsTest, SaysThatThePeerDemandsACertificate) {
  const auto own = authority().issue("server", Authority::Wish());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    listen(own, true, version);
    const auto got = ask(trusting(), "127.0.0.1");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::rejected) << got.error().message();
    EXPECT_NE(got.error().message().find("client certificate"), std::string::npos) << got.error().message();
  }
}

TEST_F(StreamTlsTest, SaysThatThePeerDoesNotAcceptItsCertificate) {
  const Authority stranger(directory(), "stranger");
  Authority::Wish wish;
  wish.for_client = true;
  const auto client = stranger.issue("client", wish);
  auto files = trusting();
  files.cert_file = client.cert;
  files.key_file = client.key;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    listen(authority().issue("server", Authority::Wish()), true, version);
    const auto got = ask(files, "127.0.0.1");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), Error(ErrorKind::rejected,
                                 "certificate: the peer does not know who signed our client certificate"));
  }
}

TEST_F(StreamTlsTest, RefusesVersionsBefore12) {
  listen(authority().issue("server", Authority::Wish()), false, TLS1_1_VERSION);
  const auto got = ask(trusting(), "127.0.0.1");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind(), ErrorKind::protocol) << got.error().message();
}

TEST_F(StreamTlsTest, GivesUpTheHandshakeAtTheDeadlineAndAtAPlainAnswer) {
  auto tls = TlsContext::make(trusting());
  ASSERT_TRUE(tls);
  Resolver resolver(loop().executor(), Resolver::Options());
  Net net(loop().executor(), resolver);
  test::Server mute(loop(), test::stay_mute);
  const auto start = steady_clock::now();
  const auto late = loop().run(ping(net, mute.address(), *tls, start + milliseconds(100)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), Error(ErrorKind::timeout, "deadline exceeded while shaking hands"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(400));
  test::Server plain(loop(), test::greet);
  plain.script().reply = "SSH-2.0-OpenSSH_9.2\r\n";
  const auto foreign = loop().run(ping(net, plain.address(), *tls, in(milliseconds(3000))));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error(), Error(ErrorKind::protocol, "tls: wrong version number"));
  test::Server closing(loop(), test::greet);
  closing.script().reply = "\x16\x03\x03";  // the beginning of a record, and nothing more
  const auto cut = loop().run(ping(net, closing.address(), *tls, in(milliseconds(100))));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind(), ErrorKind::timeout);
}

TEST_F(StreamTlsTest, NamesTheFileThatItCanNotUse) {
  const auto client = authority().issue("client", Authority::Wish());
  const auto other = authority().issue("other", Authority::Wish());
  const std::string junk = directory() + "/junk.pem";
  std::ofstream(junk) << "no certificate\n";
  struct Case {
    const char* ca;
    const char* cert;
    const char* key;
    const char* named;
  };
  const std::string missing = directory() + "/missing.pem";
  const std::string ca = authority().file();
  const std::string cert = client.cert, key = client.key;
  const Case cases[] = {
      {missing.c_str(), "", "", "missing.pem: can not be read"},
      {junk.c_str(), "", "", "junk.pem: holds no certificate"},
      {ca.c_str(), missing.c_str(), key.c_str(), "missing.pem: can not be read"},
      {ca.c_str(), junk.c_str(), key.c_str(), "junk.pem: holds no certificate"},
      {ca.c_str(), cert.c_str(), missing.c_str(), "missing.pem: can not be read"},
      {ca.c_str(), cert.c_str(), junk.c_str(), "junk.pem: holds no unencrypted private key"},
      {ca.c_str(), cert.c_str(), other.key.c_str(), "other.key: holds no unencrypted private key that fits"},
      {ca.c_str(), cert.c_str(), "", "both cert_file and key_file"},
      {ca.c_str(), "", key.c_str(), "both cert_file and key_file"},
  };
  for (const auto& c : cases) {
    TlsFiles files;
    files.ca_file = c.ca;
    files.cert_file = c.cert;
    files.key_file = c.key;
    const auto made = TlsContext::make(files);
    ASSERT_FALSE(made) << c.named;
    EXPECT_EQ(made.error().kind(), ErrorKind::config);
    EXPECT_NE(made.error().message().find(c.named), std::string::npos) << made.error().message();
  }
}

}  // namespace
}  // namespace qw::net
