#!/usr/bin/perl

# TLS on both sides: to PostgreSQL with verify-full, by a CA made here, and
# nginx's own listener, where the cookie gets its prefix.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

plan(skip_all => 'no openssl or curl')
    if grep { system("command -v $_ > /dev/null 2>&1") != 0 } qw(openssl curl);

my $t = Test::Procmgr->new(plan => 16);
my $tls = Test::Procmgr::free_port();
my $db = Test::Procmgr::free_port();
my $dir = "$t->{dir}/tls";

mkdir $dir;
chmod 0755, $dir;

# two authorities, one of them trusted; a key for both servers

sub openssl { system("openssl @_ > $dir/said 2>&1") == 0
    or BAIL_OUT("openssl @_") }

my $new = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
for my $ca (qw(ca other)) {
    openssl("req -x509 $new -subj /CN=$ca -keyout $dir/$ca.key "
        . "-out $dir/$ca.pem");
}
openssl("req $new -subj /CN=db.test -keyout $dir/server.key "
    . "-out $dir/server.csr");
$t->write('tls/ext', "subjectAltName=DNS:db.test,DNS:localhost,IP:127.0.0.1\n");
openssl("x509 -req -days 2 -in $dir/server.csr -CA $dir/ca.pem "
    . "-CAkey $dir/ca.key -set_serial 2 -extfile $dir/ext "
    . "-out $dir/server.pem");
chmod 0644, "$dir/server.pem", "$dir/ca.pem", "$dir/other.pem";

$t->run(server => "listen 127.0.0.1:$tls ssl; "
    . "ssl_certificate $dir/server.pem; ssl_certificate_key $dir/server.key;");

# PostgreSQL on TCP, with TLS and a password

my $data = "$t->{dir}/pg/data";
my @owner = (stat $data)[4, 5];

system('cp', "$dir/server.pem", "$dir/server.key", $data) == 0 or die;
chown @owner, "$data/server.pem", "$data/server.key";
chmod 0600, "$data/server.key";

append("$data/postgresql.conf", "listen_addresses = '127.0.0.1'\nport = 5432\n"
    . "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n");
append("$data/pg_hba.conf", "hostssl procmgr procmgr_web 127.0.0.1/32 "
    . "scram-sha-256\n");
$t->psql("SET password_encryption = 'scram-sha-256';
    ALTER ROLE procmgr_web PASSWORD 'wire secret 1'");
append("$data/postgresql.conf", "port = $db\n");

$t->pg_stop();
$t->pg_start();
pass('PostgreSQL with TLS');

my $conf = $t->read_file('etc/nginx.conf');

sub use_conninfo {
    my ($conninfo) = @_;
    $t->write('etc/nginx.conf', $conf =~ s/(procmgr_database )"[^"]*"/$1"$conninfo"/r);
    $t->reload();

    # the old worker may still take a connection

    $t->wait_for(sub { 1 == (my @all = $t->workers()) }, 30);
}

my $base = "hostaddr=127.0.0.1 port=$db user=procmgr_web dbname=procmgr "
    . 'sslmode=verify-full';
my $secret = "password='wire secret 1'";

use_conninfo("$base host=db.test sslrootcert=$dir/ca.pem $secret");
my $s = $t->login();
is($s->{status}, 200, 'verify-full: a login');
my $r = $s->post('/control/services', { name => 'demo', action => 'restart' },
    { Prefer => 'wait=20' });
is($r->{json}{retStatus}, 'success', 'an action');

# a certificate of nobody we trust, another name, another password

for (["host=db.test sslrootcert=$dir/other.pem $secret", 'another authority'],
     ["host=elsewhere.test sslrootcert=$dir/ca.pem $secret", 'another name'],
     ["host=db.test sslrootcert=$dir/ca.pem password=wrong",
      'another password'])
{
    use_conninfo("$base $_->[0]");
    is($t->login()->{status}, 503, "$_->[1]: nothing");
}

use_conninfo("$base host=db.test sslrootcert=$dir/ca.pem $secret");
ok($t->wait_for(sub { $t->login()->{status} == 200 }, 20), 'right again');
unlike($t->error_log(), qr/wire secret/, 'no password in the log');

# the session over nginx's TLS

sub curl {
    my (@args) = @_;
    open my $out, '-|', 'curl', '-s', '-i', '--max-time', 20, '--cacert',
        "$dir/ca.pem", @args or die;
    local $/;
    return scalar <$out> // '';
}

my $json = 'Content-Type: application/json';
my $login = curl('-H', $json, '-d', '{"username":"admin","password":"'
    . $t->password('admin') . '"}', "https://localhost:$tls/session");
like($login, qr{^HTTP/1.1 200}, 'a login over TLS');
my ($cookie) = $login =~ /^Set-Cookie: ([^;\r]+)/mi;
like($cookie // '', qr/^__Host-procmgr=/, 'the cookie has its prefix');
like($login, qr/^Set-Cookie: [^\r]*; Secure/mi, 'and is secure');
like($login, qr{^Set-Cookie: [^\r]*; Path=/; HttpOnly; SameSite=Strict}mi,
    'and nobody else gets it');
like(curl('-H', "Cookie: $cookie", "https://localhost:$tls/session"),
    qr{^HTTP/1.1 200}, 'which is a session');

is($t->get('/session', { Cookie => $cookie })->{status}, 401,
    'not without TLS');
like(curl('-H', 'Cookie: ' . $cookie =~ s/^__Host-//r,
    "https://localhost:$tls/session"), qr{^HTTP/1.1 401},
    'nor without the prefix');

my ($csrf) = $login =~ /"csrf":\s*"([^"]+)"/;
like(curl('-X', 'DELETE', '-H', "Cookie: $cookie", '-H', "X-CSRF-Token: $csrf",
    '-H', "Origin: https://localhost:$tls", "https://localhost:$tls/session"),
    qr{^HTTP/1.1 204}, 'and its end');


sub append {
    my ($file, $text) = @_;
    open my $f, '>>', $file or die "$file: $!";
    print $f $text;
    close $f;
}
