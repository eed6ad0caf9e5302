package io.safegrad.trainer.source;

/**
 * One file to download.
 *
 * @param label field and address, for messages; holds nothing secret
 * @param identity an address of its bytes, which never change: they are pinned by checksum, by a
 *     commit or by an entity tag
 * @param size in bytes; null when it is not known
 * @param checksum null when its server gives none
 * @param request asks its server for it
 */
record RemoteFile(
    String label, String identity, Long size, Checksum checksum, RemoteBytes.Request request) {}
