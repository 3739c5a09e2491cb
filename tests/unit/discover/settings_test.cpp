#include "daemon/discover/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qw::discover {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(Settings, OfRedisNoSecretRemains) {
  EXPECT_THAT(read_redis("# comment\n\nPort 6379\nrequirepass \"hunter 2\"\nmasterauth hunter2\nuser default "
                         "on >hunter2 ~* +@all\n"
                         "user monitor on nopass\nsentinel auth-pass mymaster hunter2\nsentinel monitor "
                         "mymaster 10.0.0.1 6379 2\n"
                         "tls-auth-clients no\ntls-key-file-pass hunter2\n"),
              ElementsAre(ElementsAre("port", "6379"), ElementsAre("requirepass", "set"),
                          ElementsAre("masterauth"), ElementsAre("user", "default"),
                          ElementsAre("user", "monitor", "nopass"), ElementsAre("sentinel", "auth-pass"),
                          ElementsAre("sentinel", "monitor", "mymaster", "10.0.0.1", "6379", "2"),
                          ElementsAre("tls-auth-clients", "no"), ElementsAre("tls-key-file-pass")));
}

TEST(Settings, PostgresQuotesAndIncludes) {
  EXPECT_THAT(read_postgres("# port = 1\nport = 5433  # ours\nlisten_addresses='*'\ncluster_name "
                            "'it''s'\ninclude 'other.conf'\n"
                            "primary_conninfo = 'host=10.0.0.1 port=5433 user=r password=hunter2'\n"),
              ElementsAre(Pair("port", "5433"), Pair("listen_addresses", "*"), Pair("cluster_name", "it's"),
                          Pair("include", "other.conf"), Pair("primary_conninfo", "10.0.0.1:5433")));
}

TEST(Settings, ConnectionStringsOfBothForms) {
  EXPECT_THAT(read_conninfo("host=a,b port=5433,5434 password='x host=c'"),
              ElementsAre(Place{"a", 5433}, Place{"b", 5434}));
  EXPECT_THAT(read_conninfo("host = a , b"), ElementsAre(Place{"a", 5432}));
  EXPECT_THAT(read_conninfo("host=name hostaddr=10.0.0.1"), ElementsAre(Place{"10.0.0.1", 5432}));
  EXPECT_THAT(read_conninfo("host=/run/postgresql"), IsEmpty());
  EXPECT_THAT(read_conninfo("postgresql://user:p@ss@10.0.0.1:5433,[fd00::1]/db?host=x"),
              ElementsAre(Place{"10.0.0.1", 5433}, Place{"fd00::1", 5432}));
}

TEST(Settings, PropertiesOfJava) {
  EXPECT_THAT(
      read_properties(
          "# c\n! c\nnode.id=1\n listeners : A://h:1,\\\n   B://h:2\nlog.dirs /var/lib/kafka\nempty=\n"
          "ssl.keystore.password=hunter2\nlistener.name.a.plain.sasl.jaas.config=x password=\"hunter2\";\n"
          "path=C\\:\\\\x\n"),
      UnorderedElementsAre(Pair("node.id", "1"), Pair("listeners", "A://h:1,B://h:2"),
                           Pair("log.dirs", "/var/lib/kafka"), Pair("empty", ""), Pair("path", "C:\\x")));
}

TEST(Settings, EtcdsFileHasItsTransportSecurityInside) {
  const auto read = read_etcd_file(
      "name: etcd-1\nelection-timeout: 1500\nclient-transport-security:\n  trusted-ca-file: /ca.crt\n");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(*read, UnorderedElementsAre(Pair("name", "etcd-1"), Pair("election-timeout", "1500"),
                                          Pair("trusted-ca-file", "/ca.crt")));
  EXPECT_FALSE(read_etcd_file("- a"));
  EXPECT_FALSE(read_etcd_file("a: [\n"));
  EXPECT_FALSE(read_etcd_file(""));
}

TEST(Settings, AnEnvironmentFile) {
  EXPECT_THAT(
      read_environment_file("# c\nETCD_NAME=\"etcd-1\"\nETCD_X= y \nnot a line\nETCD_PASSWORD=hunter2\n"),
      UnorderedElementsAre(Pair("ETCD_NAME", "etcd-1"), Pair("ETCD_X", "y")));
}

TEST(Settings, ChronysCommentsHaveFourMarks) {
  EXPECT_THAT(
      read_chrony("# a\n% b\n! c\n; d\nPool 2.debian.pool.ntp.org iburst\ncmdallow all\n"),
      ElementsAre(ElementsAre("pool", "2.debian.pool.ntp.org", "iburst"), ElementsAre("cmdallow", "all")));
}

TEST(Settings, UrlsAndPlaces) {
  EXPECT_EQ(read_url("https://10.0.0.1:2379")->place, (Place{"10.0.0.1", 2379}));
  EXPECT_EQ(read_url("PLAINTEXT://:9092")->place, (Place{"", 9092}));
  EXPECT_EQ(read_url("http://[::1]:2379/x")->place, (Place{"::1", 2379}));
  EXPECT_EQ(read_url("http://name")->place, (Place{"name", 0}));
  EXPECT_FALSE(read_url("10.0.0.1:2379"));
  EXPECT_FALSE(read_url("http://a b:1"));
  EXPECT_FALSE(read_place("10.0.0.1"));
  EXPECT_FALSE(read_place("10.0.0.1:0"));
  EXPECT_FALSE(read_place("10.0.0.1:65536"));
  EXPECT_FALSE(read_place("::1:5"));
  EXPECT_EQ(print(*read_place("[fd00::1]:5")), "[fd00::1]:5");
}

}  // namespace
}  // namespace qw::discover
