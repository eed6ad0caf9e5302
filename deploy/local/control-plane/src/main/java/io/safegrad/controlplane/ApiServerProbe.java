package io.safegrad.controlplane;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Asks an API server for single paths, with its own certificate as the only one trusted. */
final class ApiServerProbe {

  private static final int TIMEOUT_MILLIS = 5_000;

  private final String server;
  private final String token;
  private final Path certificate;

  ApiServerProbe(String server, String token, Path certificate) {
    this.server = server;
    this.token = token;
    this.certificate = certificate;
  }

  /** Whether a GET of the path is answered with 200. */
  boolean answers(String path) {
    if (!Files.exists(certificate)) {
      return false;
    }
    try {
      HttpsURLConnection connection =
          (HttpsURLConnection) URI.create(server + path).toURL().openConnection();
      connection.setSSLSocketFactory(trustingOnlyTheServer().getSocketFactory());
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      connection.setRequestProperty("Authorization", "Bearer " + token);
      return connection.getResponseCode() == 200;
    } catch (IOException | GeneralSecurityException e) {
      return false;
    }
  }

  private SSLContext trustingOnlyTheServer() throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream stream = Files.newInputStream(certificate)) {
      int index = 0;
      for (Certificate each :
          CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
        trusted.setCertificateEntry(Integer.toString(index++), each);
      }
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    return context;
  }
}
