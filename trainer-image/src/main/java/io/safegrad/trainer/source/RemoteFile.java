package io.safegrad.trainer.source;

import java.net.URI;

/**
 * One file to download.
 *
 * @param label field and address, for messages; holds nothing secret
 * @param address of its bytes, which never change: they are pinned by checksum or by a commit
 * @param size in bytes; null when it is not known
 * @param checksum null when its server gives none
 * @param token for its server alone; null for none
 */
record RemoteFile(String label, URI address, Long size, Checksum checksum, AccessToken token) {}
