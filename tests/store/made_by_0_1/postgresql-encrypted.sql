COMMENT ON SCHEMA public IS '';
CREATE TABLE public.apps (
    client_id character varying(64) NOT NULL,
    client_secret text NOT NULL
);
CREATE TABLE public.colors (
    user_id character varying(32) NOT NULL,
    remembered text NOT NULL
);
CREATE TABLE public.heartbeat (
    id integer NOT NULL,
    pid integer NOT NULL,
    at double precision NOT NULL,
    status text NOT NULL
);
CREATE TABLE public.imports (
    fingerprint character varying(64) NOT NULL,
    login_id integer NOT NULL
);
CREATE TABLE public.logins (
    id integer NOT NULL,
    user_id character varying(32),
    login character varying(25) NOT NULL,
    client_id character varying(64) NOT NULL,
    access_token text NOT NULL,
    refresh_token text NOT NULL,
    expires_at double precision,
    scopes text NOT NULL,
    lost text NOT NULL,
    generation integer NOT NULL,
    issued_at double precision,
    doubt integer DEFAULT 0 NOT NULL,
    channels character varying(8000) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE public.schema_version (
    version integer NOT NULL
);
INSERT INTO public.apps VALUES ('other', 'fernet:gAAAAABrBqZqA2rUZBkM3pJk2SIthGTQ4xsB_Sw6ibH5aYWo-GtTs2eTUQx8xBkksvTYt4TYjWt9G4OO0BOXmmC2KDcf3nyNLA==');
INSERT INTO public.colors VALUES ('42', '{"overrides": {"strategy": "hold"}, "history": ["#FF0000", "#00FF00"], "strategy": "hold", "state": {"at": 1}, "original": "#0000FF", "no_hex_until": 99.5, "channels": ["me", "friend"]}');
INSERT INTO public.heartbeat VALUES (1, 19538, 1764000001.5, '{"accounts": [{"login": "me", "state": "running"}]}');
INSERT INTO public.imports VALUES ('f0bbef2763e0a443db1fe0ff5746651247c3be7dc8f2a7b942e928fb426956ab', 2);
INSERT INTO public.logins VALUES (1, '42', 'me', 'client', 'fernet:gAAAAABrBqZqrI5-cBifC59fazEIzGCTxDS4nGOikNVs8t27TXRqK6zLOqVfvOWGQbXizyDPN7Wwi6naO2K74aaHDala3MpOynblgtV3KMmOuIrAvskMWj4=', 'fernet:gAAAAABrBqZqGVZiC0wHjLUqOALhUzi4IdvwyOqW2--r0wiF0kiBFc0Z9xazSQuHZvPJPcBhq2bfua1NrJ1MPOC7cd2PKHCl45Md_KFELktr_z4P0b2N0cU=', 1764004000.5, 'user:manage:chat_color user:read:chat', '', 2, 1764000000.75, 0, '');
INSERT INTO public.logins VALUES (2, NULL, 'you', 'other', 'fernet:gAAAAABrBqZqlfN0mhZCS19H0K8XaqjlXRH-bmQEqUYjnBGOEx6SfTgCI-rY2GTjm-wNawKm0gRBFZA2hfHqW29IblWL3FTmRzveo-e2OdHYbytQD5O_Ng8=', 'fernet:gAAAAABrBqZqi5t9GNcM1RVRzKFCT3E8IYeN92g8zqmWJ4wVWxI56U73FHWNR2d33EnHatmxqW9Z2uzMPqW5RAxNHBwq6D8gjp2jUr7alk6iV41CNSunV_o=', NULL, '', '', 1, NULL, 1, 'one two');
INSERT INTO public.logins VALUES (3, '44', 'gone', 'client', 'fernet:gAAAAABrBqZqmjnE-31HgKs_PwtxDPwgFrljgum_qL1wIh2N5ETXaoP3J8Gzvl7mU3xZBgoUP4KyVzlnj2nmAvAA5KJNoqWRxUNQwmm09MYTkYfY2vRzMMo=', 'fernet:gAAAAABrBqZqwj1Up3jZYG89DmHRyy4zklGm6SRkdSHOOUjxyyhsevITPdq-_1Psk7OSvhIvcNapVKSDEn1IhgMiWBfmEWJ9K40oCYbGxgExj9733ieheSY=', NULL, '', 'the password was changed', 1, NULL, 0, '');
INSERT INTO public.schema_version VALUES (2);
ALTER TABLE ONLY public.apps
    ADD CONSTRAINT apps_pkey PRIMARY KEY (client_id);
ALTER TABLE ONLY public.colors
    ADD CONSTRAINT colors_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.heartbeat
    ADD CONSTRAINT heartbeat_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_login_key UNIQUE (login);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_user_id_key UNIQUE (user_id);
ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);
